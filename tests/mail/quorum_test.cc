#include "lib/mail/quorum.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "lib/core/address.h"
#include "tests/mail/support.h"
#include "tests/support/seed.h"

namespace bmsg::mail {
namespace {

/// Ana, ben, carl and dora are 1 to 4; nobody else is known.
Result<IdentityKey> by_name(const std::string& name) {
  const std::vector<std::string> names = {"ana", "ben", "carl", "dora", "eve and co"};
  const auto at = std::ranges::find(names, name);
  if (at == names.end()) return Error{Errc::no_recipient, "no contact '" + name + "'"};
  return identity(static_cast<std::uint8_t>(at - names.begin() + 1));
}

const NameLookup kNames = by_name;

Quorum read(const std::string& text) { return parse_quorum(text, kNames).value(); }

std::set<IdentityKey> these(std::initializer_list<std::uint8_t> persons) {
  std::set<IdentityKey> found;
  for (const std::uint8_t person : persons) found.insert(identity(person));
  return found;
}

std::string refusal(const std::string& text) {
  const auto parsed = parse_quorum(text, kNames);
  return parsed ? "" : parsed.error().message;
}

/// of(1, of(1, ... ana ...)) with so many of().
std::string nested(std::size_t depth) {
  std::string text = "ana";
  for (std::size_t i = 0; i < depth; ++i) text = "of(1, " + text + ")";
  return text;
}

std::string of_persons(std::size_t count) {
  std::string text = "of(1";
  for (std::size_t i = 1; i <= count; ++i)
    text += ", " + to_address(identity(static_cast<std::uint8_t>(i)));
  return text + ")";
}

TEST(Quorums, AreHeldBySoManyOfThePersons) {
  const Quorum two = read("of(2, ana, ben, carl)");
  EXPECT_FALSE(holds(two, {}));
  EXPECT_FALSE(holds(two, these({1})));
  EXPECT_TRUE(holds(two, these({1, 2})));
  EXPECT_TRUE(holds(two, these({1, 3})));
  EXPECT_TRUE(holds(two, these({1, 2, 3})));
  EXPECT_FALSE(holds(two, these({1, 4, 5}))) << "others do not count";
  EXPECT_EQ(parts_held(two, these({1})), 1u);
  EXPECT_EQ(parts_held(two, these({1, 2, 3})), 2u) << "more than are needed";
  EXPECT_EQ(parts_needed(two), 2u);
}

TEST(Quorums, OfOnePersonAreTheirSignature) {
  const Quorum one = read("ana");
  EXPECT_FALSE(holds(one, these({2})));
  EXPECT_TRUE(holds(one, these({1})));
  EXPECT_EQ(parts_needed(one), 1u);
}

TEST(Quorums, StandInEachOther) {
  const Quorum both = read("of(2, ana, of(1, ben, carl))");
  EXPECT_FALSE(holds(both, these({2, 3}))) << "one part twice";
  EXPECT_TRUE(holds(both, these({1, 3})));
  EXPECT_EQ(parts_held(both, these({2, 3})), 1u);
  EXPECT_EQ(persons_in(both).size(), 3u);
}

TEST(Quorums, AreReadWithAndWithoutBlanks) {
  const Quorum plain = read("of(2, ana, of(1, ben, carl))");
  for (const char* text : {"of(2,ana,of(1,ben,carl))", "  of( 2 , ana ,\tof (1, ben , carl ) ) ",
                           "of(2, ana , of(1,ben, carl))"}) {
    EXPECT_EQ(read(text), plain) << text;
  }
  EXPECT_EQ(read("of(1, eve and co)").parts[0].person, identity(5)) << "a name with blanks";
}

TEST(Quorums, AreWrittenAsTheyAreRead) {
  const Quorum quorum = read("of(2, ana, of(1, ben, carl))");
  EXPECT_EQ(parse_quorum(to_text(quorum)).value(), quorum);
  EXPECT_EQ(to_text(quorum,
                    [](const IdentityKey& key) {
                      return key == identity(1) ? std::string("ana") : std::string("x");
                    }),
            "of(2, ana, of(1, x, x))");
}

TEST(Quorums, TakeNamesOnlyWhereTheyAreKnown) {
  EXPECT_EQ(parse_quorum("of(1, zoe)", kNames).error().code, Errc::no_recipient);
  EXPECT_EQ(parse_quorum("of(1, ana)").error().code, Errc::bad_usage);
  const std::string address = to_address(identity(9));
  EXPECT_EQ(read(address).person, identity(9));
}

TEST(Quorums, AreRefusedWithTheReason) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "a name is missing"},
      {"of(2, ana", "')' is missing"},
      {"of(2, ana, ben))", "behind its end: ')'"},
      {"of(2, ana, ben) carl", "behind its end: 'carl'"},
      {"of(2, ana ben)", "no contact 'ana ben'"},
      {"of(1, of(1, ana) ben)", "no comma before 'ben)'"},
      {"of(, ana)", "'' where a number stands"},
      {"of(two, ana)", "'two' where a number stands"},
      {"of(02, ana, ben)", "'02' where a number stands"},
      {"of(+1, ana)", "'+1' where a number stands"},
      {"of(4294967296, ana)", "'4294967296' where a number stands"},
      {"of(0, ana)", "'0' where a number stands"},
      {"of(2, ana)", "2 of 1"},
      {"of(1)", "1 of 0"},
      {"of(1, )", "a name is missing"},
      {"of(1, ana,)", "a name is missing"},
      {"any(1, ana)", "'any('"},
      {"(1, ana)", "'('"},
      {"of(2, ana, ana)", "'ana' stands in it twice"},
      {"of(2, ana, of(1, ben, ana))", "'ana' stands in it twice"},
      {"of(2, ana, " + to_address(identity(1)) + ")", "twice"},
  };
  for (const auto& [text, why] : cases) {
    EXPECT_NE(refusal(text).find(why), std::string::npos) << text << ": " << refusal(text);
    const auto parsed = parse_quorum(text, kNames);
    EXPECT_TRUE(!parsed && (parsed.error().code == Errc::bad_usage ||
                            parsed.error().code == Errc::no_recipient))
        << text;
  }
}

TEST(Quorums, HaveLimitsOnBothSides) {
  EXPECT_EQ(refusal(nested(kQuorumDepthMax)), "");
  EXPECT_NE(refusal(nested(kQuorumDepthMax + 1)).find("deep"), std::string::npos);
  EXPECT_EQ(refusal(of_persons(kQuorumPersonsMax)), "");
  EXPECT_NE(refusal(of_persons(kQuorumPersonsMax + 1)).find("persons"), std::string::npos);
  const std::string longest = "ana" + std::string(kQuorumTextMax - 3, ' ');
  EXPECT_EQ(refusal(longest), "");
  EXPECT_NE(refusal(longest + " ").find("longer"), std::string::npos);
}

TEST(Quorums, OfRandomBytesAreRefusedOrReadTheSameAgain) {
  auto numbers = seeded_numbers();
  const std::string letters = "of(),12 anbe\t\xff";
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (const std::uint8_t byte : random_bytes(numbers, 1 + i % 24))
      text += letters[byte % letters.size()];
    const auto parsed = parse_quorum(text, kNames);
    if (parsed) {
      EXPECT_EQ(parse_quorum(to_text(parsed.value())).value(), parsed.value()) << text;
    }
  }
}

}  // namespace
}  // namespace bmsg::mail
