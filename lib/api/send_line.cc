#include "lib/api/send_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/api/json_guard.h"
#include "lib/core/try.h"

namespace bmsg::api {
namespace {

constexpr std::array kMembers = {"to",       "body",    "subject", "public",  "topic",
                                 "reply_to", "expires", "key",     "ask_ack", "attachments"};

Result<Done> check_members(const Json& json) {
  if (!json.is_object()) return Error{Errc::bad_input, "a line must be a JSON object"};
  for (const auto& member : json.items()) {
    const bool known =
        std::ranges::any_of(kMembers, [&](const char* name) { return member.key() == name; });
    if (!known) return Error{Errc::bad_input, fmt::format("unknown member '{}'", member.key())};
  }
  return done;
}

Result<std::vector<std::string>> recipients(const Json& json) {
  std::vector<std::string> to;
  const auto at = json.find("to");
  if (at == json.end() || at->is_null()) return to;
  if (at->is_string()) return std::vector<std::string>{at->get<std::string>()};
  if (!at->is_array()) return Error{Errc::bad_input, "'to' is no list of names"};
  for (const Json& one : *at) {
    if (!one.is_string()) return Error{Errc::bad_input, "'to' is no list of names"};
    to.push_back(one.get<std::string>());
  }
  return to;
}

Result<std::vector<std::string>> paths_in(const Json& json) {
  std::vector<std::string> paths;
  const auto at = json.find("attachments");
  if (at == json.end() || at->is_null()) return paths;
  const Error refusal{Errc::bad_input, "'attachments' is no list of paths"};
  if (!at->is_array()) return refusal;
  for (const Json& one : *at) {
    if (!one.is_string()) return refusal;
    paths.push_back(one.get<std::string>());
    if (paths.back() == "-")
      return Error{Errc::bad_input, "'attachments': standard input is where the lines come from"};
  }
  return paths;
}

Result<bool> truth_member(const Json& json, const char* name) {
  const auto at = json.find(name);
  if (at == json.end()) return false;
  if (!at->is_boolean())
    return Error{Errc::bad_input, fmt::format("'{}' is neither true nor false", name)};
  return at->get<bool>();
}

}  // namespace

Result<SendLine> parse_send_line(std::string_view line) {
  BMSG_TRY_ASSIGN(const auto json, parse_json(line, kSendLineBytesMax));
  BMSG_TRY(check_members(json));
  SendLine send;
  BMSG_TRY_ASSIGN(send.to, recipients(json));
  const std::pair<const char*, std::string*> texts[] = {
      {"body", &send.body},         {"subject", &send.subject}, {"topic", &send.topic},
      {"reply_to", &send.reply_to}, {"expires", &send.expires}, {"key", &send.key}};
  for (const auto& [name, text] : texts) {
    BMSG_TRY_ASSIGN(auto value, text_member(json, name));
    if (value) *text = std::move(*value);
  }
  BMSG_TRY_ASSIGN(send.attachments, paths_in(json));
  BMSG_TRY_ASSIGN(send.open, truth_member(json, "public"));
  if (!send.topic.empty() && !send.open)
    return Error{Errc::bad_input, "'topic' is for public messages; give 'public' too"};
  BMSG_TRY_ASSIGN(send.ask_ack, truth_member(json, "ask_ack"));
  return send;
}

}  // namespace bmsg::api
