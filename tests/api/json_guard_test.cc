// Hostile JSON is refused, and what is printed is ASCII whatever it holds.

#include "lib/api/json_guard.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/support/seed.h"

namespace bmsg::api {
namespace {

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + "1" + std::string(depth, ']');
}

std::string refusal_of(std::string_view text) {
  const auto parsed = parse_json(text);
  if (parsed) return "accepted";
  EXPECT_EQ(parsed.error().code, Errc::bad_input);
  return parsed.error().message;
}

TEST(JsonGuard, ReadsOrdinaryJson) {
  const auto json = parse_json(R"( {"a":[1,-2,3.5,true,null,"x"],"b":{"a":"é"}} )");
  ASSERT_TRUE(json);
  EXPECT_EQ(json.value()["a"].size(), 6);
  EXPECT_EQ(json.value()["b"]["a"], "é");
}

TEST(JsonGuard, RefusesWhatIsNoJson) {
  for (const std::string_view text : {"",
                                      " ",
                                      "{",
                                      "}",
                                      "[1,]",
                                      "{\"a\":1,}",
                                      "{a:1}",
                                      "{'a':1}",
                                      "NaN",
                                      "[NaN]",
                                      "Infinity",
                                      "-Infinity",
                                      "[1e999]",
                                      "01",
                                      "+1",
                                      ".5",
                                      "1.",
                                      "0x10",
                                      "\"\n\"",
                                      "\"\x01\"",
                                      "\"\\x41\"",
                                      "\"\\ud800\"",
                                      "\"\\udc00\\ud800\"",
                                      "\"unfinished",
                                      "tru",
                                      "True",
                                      "nul",
                                      "1 2",
                                      "{} {}",
                                      "[1]]",
                                      "// a\n1",
                                      "/* a */ 1",
                                      "[1 2]",
                                      "{\"a\" 1}",
                                      "{1:2}",
                                      "\xff\xfe[\0]\0"}) {
    EXPECT_EQ(refusal_of(text), "JSON: malformed") << text;
  }
}

TEST(JsonGuard, RefusesInvalidUtf8) {
  for (const std::string_view text : {"\"\xff\"", "\"\xc3\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"",
                                      "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "{\"\x80\":1}"}) {
    EXPECT_EQ(refusal_of(text), "JSON: malformed");
  }
}

TEST(JsonGuard, AllowsSixteenLevelsAndNoMore) {
  EXPECT_TRUE(parse_json(nested(kJsonDepthMax)));
  EXPECT_EQ(refusal_of(nested(kJsonDepthMax + 1)), "JSON: nested deeper than 16");
  std::string objects = "1";
  for (int i = 0; i < kJsonDepthMax; ++i) objects = "{\"a\":" + objects + "}";
  EXPECT_TRUE(parse_json(objects));
  EXPECT_EQ(refusal_of("{\"a\":" + objects + "}"), "JSON: nested deeper than 16");
}

TEST(JsonGuard, SurvivesAMillionOpenBrackets) {
  EXPECT_FALSE(parse_json(std::string(1'000'000, '['), 2'000'000));
  EXPECT_FALSE(parse_json(nested(1'000'000), 4'000'000));
  std::string objects;
  for (int i = 0; i < 200'000; ++i) objects += "{\"a\":";
  EXPECT_FALSE(parse_json(objects, 4'000'000));
}

std::string object_of(std::size_t members) {
  std::string text;
  for (std::size_t i = 0; i < members; ++i)
    text += fmt::format("{}\"{}\":{}", i == 0 ? "" : ",", i, i);
  return "{" + text + "}";
}

TEST(JsonGuard, AllowsAThousandMembersOfAnObjectAndNotMany) {
  EXPECT_TRUE(parse_json(object_of(kJsonMembersMax)));
  EXPECT_EQ(refusal_of(object_of(kJsonMembersMax + 1)),
            "JSON: an object of more than 1024 members");
  EXPECT_EQ(refusal_of("[[{\"a\":" + object_of(kJsonMembersMax + 1) + "}]]"),
            "JSON: an object of more than 1024 members");
  EXPECT_TRUE(parse_json("[" + object_of(kJsonMembersMax) + "," + object_of(1) + "]"));
}

TEST(JsonGuard, TakesAListOfAMillionObjects) {
  // The square of that would be hours.
  std::string list = "[{}";
  for (int i = 1; i < 1'000'000; ++i) list += ",{}";
  const auto parsed = parse_json(list + "]", 4'000'000);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed.value().size(), 1'000'000u);
}

TEST(JsonGuard, RefusesAMemberNamedTwice) {
  EXPECT_EQ(refusal_of(R"({"a":1,"a":1})"), "JSON: a member is named twice");
  EXPECT_EQ(refusal_of(R"({"a":1,"\u0061":2})"), "JSON: a member is named twice");
  EXPECT_EQ(refusal_of(R"([{"b":{"a":1,"c":{},"a":2}}])"), "JSON: a member is named twice");
}

TEST(JsonGuard, AllowsOneNameInSeveralObjects) {
  EXPECT_TRUE(parse_json(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}]})"));
}

TEST(JsonGuard, CountsBytesBeforeItReadsThem) {
  const std::string text = "\"" + std::string(98, 'x') + "\"";
  EXPECT_TRUE(parse_json(text, 100));
  EXPECT_EQ(parse_json(text, 99).error().message, "JSON: longer than 99 bytes");
  EXPECT_TRUE(parse_json("\"" + std::string(kJsonBytesMax - 2, 'x') + "\""));
  EXPECT_FALSE(parse_json("\"" + std::string(kJsonBytesMax - 1, 'x') + "\""));
}

TEST(JsonGuard, TellsNothingOfTheTextThatItRefuses) {
  EXPECT_EQ(refusal_of(R"({"secret":"hunter2")").find("hunter2"), std::string::npos);
}

TEST(JsonGuard, NeverCrashesOnAlteredText) {
  auto numbers = seeded_numbers();
  const Bytes good = to_bytes(R"({"a":[1,2,{"b":"\u00e9\ud83d\ude00"}],"c":-1.5e3,"d":null})");
  for (int i = 0; i < 20'000; ++i) {
    const Bytes text = mutated(numbers, mutated(numbers, good));
    const auto json = parse_json(as_text(text));
    if (!json) continue;
    EXPECT_TRUE(parse_json(print_json(json.value())));
  }
}

TEST(JsonPrinter, WritesAsciiAlone) {
  const Json json{{"c1", "\u009b31m"}, {"bidi", "\u202e"}, {"raw", "\x1b\x7f"}, {"bad", "\xff"}};
  const std::string line = print_json(json);
  EXPECT_TRUE(std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~' + 1; })) << line;
  EXPECT_NE(line.find("\\u009b"), std::string::npos);
  EXPECT_NE(line.find("\\u202e"), std::string::npos);
}

TEST(JsonPrinter, KeepsTheOrderOfMembers) {
  Json json;
  json["z"] = 1;
  json["a"] = 2;
  EXPECT_EQ(print_json(json), R"({"z":1,"a":2})");
}

TEST(TextMember, IsAbsentNullOrAString) {
  const Json json{{"a", "x"}, {"b", nullptr}, {"c", 1}};
  EXPECT_EQ(text_member(json, "a").value(), "x");
  EXPECT_FALSE(text_member(json, "b").value());
  EXPECT_FALSE(text_member(json, "d").value());
  EXPECT_EQ(text_member(json, "c").error().code, Errc::bad_input);
}

}  // namespace
}  // namespace bmsg::api
