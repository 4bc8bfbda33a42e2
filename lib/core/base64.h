// Base64 of RFC 4648: section 4 with padding, section 5 (for URLs) without. One text for each
// value.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/core/bytes.h"

namespace bmsg {

std::string to_base64(ByteView bytes);
std::optional<Bytes> from_base64(std::string_view text);

std::string to_base64url(ByteView bytes);
std::optional<Bytes> from_base64url(std::string_view text);

}  // namespace bmsg
