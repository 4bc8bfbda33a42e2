#include "lib/api/conversation_json.h"

#include "lib/api/json_guard.h"

namespace bmsg::api {
namespace {

Json or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

}  // namespace

std::string conversation_json(const ConversationView& view) {
  Json json{{"v", 1}, {"type", "conversation"}, {"kind", view.kind}, {"name", or_null(view.name)}};
  json["title"] = or_null(view.title.value_or(""));
  json["claims"] = or_null(view.claims);
  json["trust"] = or_null(view.trust);
  json["messages"] = view.messages;
  json["unread"] = view.unread;
  json["snippet"] = view.snippet;
  json["files"] = view.files;
  json["newest"] = Json::parse(message_json(view.newest));
  return print_json(json);
}

}  // namespace bmsg::api
