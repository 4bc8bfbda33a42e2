#include "lib/api/hook_json.h"

#include <gtest/gtest.h>

#include "lib/api/json_guard.h"

namespace bmsg::api {
namespace {

mail::Letter letter() {
  mail::Letter made;
  made.to = {{IdentityKey::filled(1), "ana"}, {IdentityKey::filled(2), ""}};
  made.content.subject = "a \"subject\"";
  made.content.content = to_bytes("line\nline \x1b[31m");
  return made;
}

TEST(LetterJson, SaysWhatAndToWhom) {
  const auto json = parse_json(letter_json(letter(), IdentityKey::filled(3))).value();
  EXPECT_EQ(json["type"], "letter");
  EXPECT_EQ(json["to"].size(), 2u);
  EXPECT_EQ(json["to_names"][0], "ana");
  EXPECT_TRUE(json["to_names"][1].is_null());
  EXPECT_FALSE(json["public"].get<bool>());
  EXPECT_TRUE(json["topic"].is_null());
  EXPECT_EQ(json["subject"], "a \"subject\"");
  EXPECT_EQ(json["body"], "line\nline \x1b[31m");
  EXPECT_EQ(json["size"], 15);
  EXPECT_TRUE(json["reply_to"].is_null());
}

TEST(LetterJson, IsOneLineOfAscii) {
  const std::string text = letter_json(letter(), std::nullopt);
  for (const char c : text) EXPECT_TRUE(c >= ' ' && c <= '~') << int(c);
  EXPECT_TRUE(parse_json(text).value()["from"].is_null());
}

TEST(LetterJson, HasBytesThatAreNoText) {
  mail::Letter made = letter();
  made.content.content = {0xff, 0x00};
  const auto json = parse_json(letter_json(made, std::nullopt)).value();
  EXPECT_TRUE(json["body"].is_null());
  EXPECT_EQ(json["body_base64"], "/wA=");
}

TEST(HookJson, SaysMoreAfterATrial) {
  HookView view{.name = "pre-send", .state = "enabled", .path = "/x", .reason = "", .trial = {}};
  auto json = parse_json(hook_json(view)).value();
  EXPECT_TRUE(json["reason"].is_null());
  EXPECT_FALSE(json.contains("ok"));
  view.trial = {.ok = false, .code = 3, .output = "no \xff"};
  json = parse_json(hook_json(view)).value();
  EXPECT_EQ(json["code"], 3);
  EXPECT_EQ(json["output"], "no \ufffd");
  view.trial->code.reset();
  EXPECT_TRUE(parse_json(hook_json(view)).value()["code"].is_null());
}

}  // namespace
}  // namespace bmsg::api
