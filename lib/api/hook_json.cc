#include "lib/api/hook_json.h"

#include "lib/api/json_guard.h"
#include "lib/api/json_parts.h"
#include "lib/core/address.h"
#include "lib/core/base64.h"
#include "lib/core/hex.h"
#include "lib/mail/text.h"

namespace bmsg::api {
namespace {

/// What is not UTF-8 has a replacement character for each byte that does not fit.
std::string as_utf8(const std::string& text) {
  if (mail::is_utf8(text)) return text;
  std::string made;
  for (const char c : text)
    made += static_cast<unsigned char>(c) < 0x80 ? std::string(1, c) : "\ufffd";
  return made;
}

}  // namespace

std::string hook_json(const HookView& view) {
  Json json{{"v", 1},
            {"type", "hook"},
            {"name", view.name},
            {"state", view.state},
            {"path", as_utf8(view.path)},
            {"reason", text_or_null(as_utf8(view.reason))}};
  if (view.trial) {
    json["ok"] = view.trial->ok;
    json["code"] = view.trial->code ? Json(*view.trial->code) : Json();
    json["output"] = as_utf8(view.trial->output);
  }
  return print_json(json);
}

std::string letter_json(const mail::Letter& letter, const std::optional<IdentityKey>& from) {
  const mail::Content& content = letter.content;
  Json json{{"v", 1},
            {"type", "letter"},
            {"from", from ? Json(to_address(*from)) : Json()},
            {"to", Json::array()},
            {"to_names", Json::array()},
            {"public", letter.audience == mail::Audience::open}};
  for (const mail::Addressee& one : letter.to) {
    json["to"].push_back(to_address(one.address));
    json["to_names"].push_back(text_or_null(one.name));
  }
  json["room"] = letter.room ? Json(letter.room->name) : Json();
  json["topic"] = letter.topic.is_zero() ? Json() : Json(to_hex(letter.topic.view()));
  json["subject"] = text_or_null(content.subject);
  json["media_type"] = text_or_null(content.media_type);
  const bool is_text = mail::is_utf8(as_text(content.content));
  json["body"] = is_text ? Json(as_text(content.content)) : Json();
  if (!is_text) json["body_base64"] = to_base64(content.content);
  json["size"] = content.content.size();
  json["reply_to"] = content.re.empty() ? Json() : Json(to_hex(content.re.front().view()));
  json["ask_ack"] = content.ask_ack;
  return print_json(json);
}

}  // namespace bmsg::api
