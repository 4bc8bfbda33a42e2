// What the page of `bmsg web` sends, apart from messages (send_line.h).

#pragma once

#include <string>
#include <string_view>

#include "lib/core/result.h"

namespace bmsg::api {

/// The text of an object with one member, which must have this name.
/// Errors: Errc::bad_input for anything else, without a word of the text.
Result<std::string> parse_web_text(std::string_view body, const char* name);

/// The object `session`: what a page shows from now on.
std::string session_json(std::string_view token);

}  // namespace bmsg::api
