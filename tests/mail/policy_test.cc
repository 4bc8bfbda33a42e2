#include "lib/mail/policy.h"

#include <gtest/gtest.h>

#include "lib/mail/room.h"
#include "tests/mail/support.h"
#include "tests/support/seed.h"

namespace bmsg::mail {
namespace {

Topic topic_of(std::string_view four) { return Topic::from(as_bytes(four)); }

Quorum two_of_three() {
  Quorum quorum{.person = {}, .needed = 2};
  for (std::uint8_t person = 1; person <= 3; ++person)
    quorum.parts.push_back({.person = identity(person)});
  return quorum;
}

Policy of_topic(const std::string& name = "news") {
  return {.name = name, .topic = topic_of("news"), .room = {}, .quorum = two_of_three()};
}

Policy of_room(std::uint8_t byte) {
  return {.name = "ops",
          .topic = {},
          .room = filled(byte, kRoomIdBytes),
          .quorum = {.person = identity(1)}};
}

Summary posted(std::string_view topic, Audience audience = Audience::open) {
  Summary summary;
  summary.audience = audience;
  summary.topic = topic_of(topic);
  return summary;
}

Summary posted_to_room(std::uint8_t byte) {
  Summary summary;
  summary.room = room_mark(filled(byte, kRoomIdBytes), "ops");
  return summary;
}

std::string refusal(const std::string& text) {
  const auto read = read_policies(text);
  if (!read) {
    EXPECT_EQ(read.error().code, Errc::bad_config);
  }
  return read ? "" : read.error().message;
}

/// The text of one policy with a line in place of another.
std::string with(const std::string& line, const std::string& other) {
  std::string text = policies_text({of_topic()});
  const auto at = text.find(line);
  check(at != std::string::npos, "no such line");
  return text.replace(at, text.find('\n', at) - at, other);
}

TEST(Policies, AreReadAsTheyAreWritten) {
  for (const std::string name : {"news", "with \"quotes\" and \\", "Zoë = [[policy]]", "\\", "\"",
                                 "# no comment", "a\\\"b"}) {
    const std::vector<Policy> policies = {of_topic(name), of_room(7), of_room(8)};
    const auto read = read_policies(policies_text(policies));
    ASSERT_TRUE(read) << name << ": " << read.error().message;
    EXPECT_EQ(read.value(), policies) << name;
  }
  EXPECT_TRUE(read_policies("").value().empty());
  EXPECT_TRUE(read_policies("# nothing\n\n").value().empty());
}

TEST(Policies, AreReadWithCommentsAndWithoutALastLineEnd) {
  std::string text = "# mine\n\n" + policies_text({of_topic()});
  text.pop_back();
  EXPECT_EQ(read_policies(text).value(), std::vector<Policy>{of_topic()});
  EXPECT_EQ(read_policies(with("name", "name   =   \"news\"  ")).value(),
            std::vector<Policy>{of_topic()});
}

TEST(Policies, AreRefusedNamingTheLine) {
  const std::string good =
      "\nname = \"x\"\ntopic = \"0x6e657773\"\nrule = \"" + to_text(two_of_three()) + "\"\n";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"name = \"x\"\n", "line 1: neither"},
      {"garbage\n", "line 1: neither"},
      {"[[policies]]" + good, "line 1: neither"},
      {"[policy]" + good, "line 1: neither"},
      {with("name", "name = news"), "line 4: 'name' needs a value in quotes"},
      {with("name", "name = \"new\"s\""), "line 4: 'name' needs"},
      {with("name", "name = \"news\\\""), "line 4: 'name' needs"},
      {with("name", "name = \"ne\\u0077s\""), "line 4: 'name' needs"},
      {with("name", "name = \"news\" # mine"), "line 4: 'name' needs"},
      {with("name", "nane = \"news\""), "line 4: unknown key 'nane'"},
      {with("name", "rule = \"ana\""), "line 6: 'rule' stands there twice"},
      {with("name", ""), "line 3: the policy that begins here has no 'name'"},
      {with("rule", ""), "line 3: the policy that begins here has no 'rule'"},
      {with("topic", ""), "line 3: the policy that begins here needs 'topic' or 'room'"},
      {with("topic", "topic = \"news\""), "line 3: topic 'news'"},
      {with("topic", "topic = \"0x6E657773\""), "line 3: topic"},
      {with("topic", "topic = \"0x6e6577\""), "line 3: topic"},
      {with("topic", "topic = \"0x00000000\""), "line 3: topic"},
      {with("topic", "room = \"0707\""), "line 3: room"},
      {with("rule", "rule = \"of(2, ana, ben)\""), "line 3: "},
      {with("rule", "rule = \"of(3" + to_text(two_of_three()).substr(4, 140) + "\""), "line 3: "},
      {with("name", "name = \"ne\x1b[2Jws\""), "line 3: its name cannot be shown"},
      {with("name", "name = \"\""), "line 3: its name cannot be shown"},
      {policies_text({of_topic()}) + "[[policy]]" + good, "line 7: a second policy of 'x'"},
  };
  for (const auto& [text, why] : cases)
    EXPECT_NE(refusal(text).find(why), std::string::npos) << text << "\n" << refusal(text);
}

TEST(Policies, AreSoManyAndNoMore) {
  std::vector<Policy> many;
  for (std::size_t i = 0; i < kPoliciesMax; ++i) {
    many.push_back(of_room(static_cast<std::uint8_t>(i)));
    many.back().room[0] = static_cast<std::uint8_t>(i + 1);
  }
  EXPECT_EQ(refusal(policies_text(many)), "");
  many.push_back(of_topic());
  EXPECT_NE(refusal(policies_text(many)).find("more than 256"), std::string::npos);
}

TEST(Policies, OfMutatedTextAreRefusedOrReadTheSameAgain) {
  auto numbers = seeded_numbers();
  const std::string text = policies_text({of_topic(), of_room(7)});
  for (int i = 0; i < 20'000; ++i) {
    const Bytes changed = mutated(numbers, to_bytes(text));
    const auto read = read_policies(as_text(changed));
    if (read) {
      EXPECT_EQ(read_policies(policies_text(read.value())).value(), read.value());
    }
  }
}

TEST(Policies, GovernTheirTopicWhoeverIsToRead) {
  const std::vector<Policy> policies = {of_topic(), of_room(7)};
  EXPECT_EQ(policy_for(policies, posted("news")), &policies[0]);
  EXPECT_EQ(policy_for(policies, posted("news", Audience::sealed)), &policies[0])
      << "whoever seals chooses the topic: that is no way round";
  EXPECT_EQ(policy_for(policies, posted("olds")), nullptr);
  EXPECT_EQ(policy_for(policies, Summary()), nullptr);
}

TEST(Policies, GovernTheirRoomAndNoOther) {
  const std::vector<Policy> policies = {of_topic(), of_room(7)};
  EXPECT_EQ(policy_for(policies, posted_to_room(7)), &policies[1]);
  EXPECT_EQ(policy_for(policies, posted_to_room(8)), nullptr);
  Summary both = posted_to_room(8);
  both.topic = topic_of("news");
  EXPECT_EQ(policy_for(policies, both), &policies[0]) << "who makes a room chooses its key";
}

}  // namespace
}  // namespace bmsg::mail
