// Strict lower-case hexadecimal, both ways.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/core/bytes.h"

namespace bmsg {

std::string to_hex(ByteView bytes);

/// The bytes that `text` spells; nullopt for an odd length, an upper-case or another character.
std::optional<Bytes> from_hex(std::string_view text);

/// The same for a type of fixed size: nullopt for any other length too.
template <class Fixed>
std::optional<Fixed> fixed_from_hex(std::string_view text) {
  const auto bytes = from_hex(text);
  if (!bytes || bytes->size() != Fixed::kSize) return std::nullopt;
  return Fixed::from(*bytes);
}

}  // namespace bmsg
