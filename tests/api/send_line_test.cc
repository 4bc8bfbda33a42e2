// Lines of `send --stdin`.

#include "lib/api/send_line.h"

#include <gtest/gtest.h>

namespace bmsg::api {
namespace {

TEST(SendLine, ReadsEveryMember) {
  const auto line = parse_send_line(
      R"({"to":["ana","ben"],"body":"hi","subject":"s","public":true,"topic":"t","reply_to":"ab",)"
      R"("expires":"7d"})");
  ASSERT_TRUE(line);
  EXPECT_EQ(line.value().to, (std::vector<std::string>{"ana", "ben"}));
  EXPECT_EQ(line.value().body, "hi");
  EXPECT_EQ(line.value().subject, "s");
  EXPECT_TRUE(line.value().open);
  EXPECT_EQ(line.value().topic, "t");
  EXPECT_EQ(line.value().reply_to, "ab");
  EXPECT_EQ(line.value().expires, "7d");
}

TEST(SendLine, TakesOneNameForAList) {
  EXPECT_EQ(parse_send_line(R"({"to":"ana"})").value().to, std::vector<std::string>{"ana"});
}

TEST(SendLine, NeedsNothing) {
  const auto line = parse_send_line(R"({"public":true,"subject":null})");
  ASSERT_TRUE(line);
  EXPECT_TRUE(line.value().open);
  EXPECT_TRUE(line.value().to.empty());
  EXPECT_TRUE(line.value().subject.empty());
}

TEST(SendLine, RefusesAnUnknownMember) {
  const auto line = parse_send_line(R"({"to":"ana","suject":"lost"})");
  ASSERT_FALSE(line);
  EXPECT_EQ(line.error().code, Errc::bad_input);
  EXPECT_EQ(line.error().message, "unknown member 'suject'");
}

TEST(SendLine, RefusesWrongTypes) {
  for (const std::string_view text :
       {"[]", "\"ana\"", "1", "null", R"({"to":1})", R"({"to":[1]})", R"({"to":{"a":"b"}})",
        R"({"body":1})", R"({"attachments":"a"})", R"({"attachments":[1]})",
        R"({"attachments":["a","-"]})", R"({"public":"yes"})", R"({"public":1})",
        R"({"public":null})", R"({"expires":7})", R"({"to":"a","to":"b"})", "", "{"}) {
    const auto line = parse_send_line(text);
    ASSERT_FALSE(line) << text;
    EXPECT_EQ(line.error().code, Errc::bad_input) << text;
  }
}

TEST(SendLine, RefusesATopicOfWhatIsNotPublic) {
  for (const std::string_view text :
       {R"({"to":"ana","topic":"news"})", R"({"topic":"news","public":false})"}) {
    const auto line = parse_send_line(text);
    ASSERT_FALSE(line) << text;
    EXPECT_EQ(line.error().message, "'topic' is for public messages; give 'public' too");
  }
  EXPECT_TRUE(parse_send_line(R"({"topic":"news","public":true})"));
  EXPECT_TRUE(parse_send_line(R"({"to":"ana","topic":null})"));
  EXPECT_TRUE(parse_send_line(R"({"to":"ana","topic":""})"));
}

TEST(SendLine, TakesLongBodiesUpToItsLimit) {
  const std::string frame = R"({"body":""})";
  const auto line = [&](std::size_t bytes) {
    return R"({"body":")" + std::string(bytes - frame.size(), 'x') + R"("})";
  };
  EXPECT_TRUE(parse_send_line(line(kSendLineBytesMax)));
  EXPECT_FALSE(parse_send_line(line(kSendLineBytesMax + 1)));
}

}  // namespace
}  // namespace bmsg::api
