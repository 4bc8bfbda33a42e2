#include "lib/api/json_guard.h"

#include <fmt/format.h>

#include <set>
#include <string>
#include <vector>

namespace bmsg::api {
namespace {

Error refused(std::string_view why) { return Error{Errc::bad_input, fmt::format("JSON: {}", why)}; }

}  // namespace

Result<Json> parse_json(std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) return refused(fmt::format("longer than {} bytes", bytes_max));
  std::vector<std::set<std::string>> names;  // Of the objects that are open.
  bool too_deep = false;
  bool twice = false;
  const auto look = [&](int depth, Json::parse_event_t event, Json& value) {
    using Event = Json::parse_event_t;
    too_deep = too_deep || depth > kJsonDepthMax;
    if (event == Event::object_start) names.emplace_back();
    if (event == Event::object_end && !names.empty()) names.pop_back();
    if (event == Event::key && !names.empty()) {
      twice = !names.back().insert(value.get<std::string>()).second || twice;
    }
    return !too_deep;  // What is too deep is thrown away while it is read, and never built.
  };
  Json json = Json::parse(text, look, false);
  if (too_deep) return refused(fmt::format("nested deeper than {}", kJsonDepthMax));
  if (twice) return refused("a member is named twice");
  if (json.is_discarded()) return refused("malformed");
  return json;
}

std::string print_json(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

Result<std::optional<std::string>> text_member(const Json& object, const char* name) {
  const auto at = object.find(name);
  if (at == object.end() || at->is_null()) return std::optional<std::string>();
  if (!at->is_string()) return refused(fmt::format("'{}' is no string", name));
  return std::optional(at->get<std::string>());
}

}  // namespace bmsg::api
