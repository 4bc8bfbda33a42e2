// The one way in for JSON from elsewhere: bounded, strict, without exceptions.

#pragma once

#include <cstddef>
#include <string_view>

#include <nlohmann/json.hpp>

#include "lib/core/result.h"

namespace bmsg::api {

using Json = nlohmann::ordered_json;  // Members stay in the order in which we write them.

inline constexpr std::size_t kJsonBytesMax = 1 << 20;
inline constexpr int kJsonDepthMax = 16;
inline constexpr std::size_t kJsonMembersMax = 1024;  // Each is compared with all before it.

/// Parses one value. Refused: more than `bytes_max` bytes, nesting deeper than kJsonDepthMax (a
/// million open brackets parse and then overflow the stack of whoever walks them), an object of
/// more than kJsonMembersMax members, a member named twice, invalid UTF-8, anything behind the
/// value.
/// Errors: Errc::bad_input, without a word of the text.
Result<Json> parse_json(std::string_view text, std::size_t bytes_max = kJsonBytesMax);

/// One line, pure ASCII: C1 and other characters that act on terminals travel as \uXXXX.
std::string print_json(const Json& json);

/// A member that must be a string; nullopt if it is absent or null.
/// Errors: Errc::bad_input if it is of another type.
Result<std::optional<std::string>> text_member(const Json& object, const char* name);

}  // namespace bmsg::api
