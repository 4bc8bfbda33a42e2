#include "lib/api/web_form.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/api/json_guard.h"
#include "lib/core/try.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::api {

Result<WebForm> WebForm::parse(std::string_view body,
                               std::initializer_list<std::string_view> names) {
  BMSG_TRY_ASSIGN(const Json json, parse_json(body, kWebFormBytesMax));
  const Error refused{Errc::bad_input, fmt::format("an object with texts for {} is asked for",
                                                   fmt::join(names, ", "))};
  if (!json.is_object()) return refused;
  WebForm form;
  for (const auto& [name, value] : json.items()) {
    if (std::ranges::find(names, name) == names.end() || !value.is_string()) return refused;
    form.texts_.emplace(name, value.get_ref<const std::string&>());
  }
  return form;
}

const std::string& WebForm::text(std::string_view name) const {
  static const std::string nothing;
  const auto found = texts_.find(name);
  return found == texts_.end() ? nothing : found->second;
}

Result<std::string> WebForm::filled(std::string_view name) const {
  const std::string& given = text(name);
  if (!given.empty()) return given;
  return Error{Errc::bad_input, fmt::format("'{}' is missing", name)};
}

void WebForm::wipe(std::string_view name) {
  const auto found = texts_.find(name);
  if (found == texts_.end()) return;
  std::string& text = found->second;
  crypto::wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  text.clear();
}

}  // namespace bmsg::api
