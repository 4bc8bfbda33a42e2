// The object `conversation`: all its members, and nulls for what is not known.

#include "lib/api/conversation_json.h"

#include <gtest/gtest.h>

#include "lib/api/json_guard.h"

namespace bmsg::api {
namespace {

TEST(ConversationJson, HasItsNewestMessage) {
  ConversationView view{.kind = "with", .name = "bmsg1ana", .title = "ana"};
  view.trust = "known";
  view.messages = 3;
  view.unread = 2;
  view.snippet = "<b>";
  view.newest.subject = "Lunch";
  const auto json = parse_json(conversation_json(view)).value();
  EXPECT_EQ(json["type"], "conversation");
  EXPECT_EQ(json["title"], "ana");
  EXPECT_EQ(json["unread"], 2);
  EXPECT_EQ(json["snippet"], "<b>");
  EXPECT_EQ(json["newest"]["type"], "message");
  EXPECT_EQ(json["newest"]["subject"], "Lunch");
  EXPECT_TRUE(json["claims"].is_null());
}

TEST(ConversationJson, OfAllThatIsPublicHasNoName) {
  const auto json = parse_json(conversation_json({.kind = "public", .name = {}})).value();
  EXPECT_TRUE(json["name"].is_null());
  EXPECT_TRUE(json["title"].is_null());
  EXPECT_TRUE(json["trust"].is_null());
}

}  // namespace
}  // namespace bmsg::api
