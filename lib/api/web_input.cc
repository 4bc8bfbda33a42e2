#include "lib/api/web_input.h"

#include <fmt/format.h>

#include "lib/api/json_guard.h"
#include "lib/core/try.h"

namespace bmsg::api {

Result<std::string> parse_web_text(std::string_view body, const char* name) {
  constexpr std::size_t kBytesMax = 8192;
  BMSG_TRY_ASSIGN(const Json json, parse_json(body, kBytesMax));
  const Error refused{Errc::bad_input,
                      fmt::format("an object with nothing but '{}' is asked for", name)};
  if (!json.is_object() || json.size() != 1) return refused;
  BMSG_TRY_ASSIGN(auto text, text_member(json, name));
  if (!text) return refused;
  return std::move(*text);
}

std::string session_json(std::string_view token) {
  return print_json(Json{{"v", 1}, {"type", "session"}, {"token", token}});
}

}  // namespace bmsg::api
