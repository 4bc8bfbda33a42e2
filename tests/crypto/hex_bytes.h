// Published vectors are hex; these turn them into what the functions take.

#pragma once

#include <string_view>

#include "lib/core/check.h"
#include "lib/core/hex.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::crypto {

inline Bytes unhex(std::string_view text) {
  auto bytes = from_hex(text);
  check(bytes.has_value(), "a vector that is not hex");
  return *std::move(bytes);
}

inline SecretBytes secret(std::string_view hex) { return SecretBytes::from(unhex(hex)); }

inline std::string hex(const SecretBytes& bytes) { return to_hex(bytes.view()); }

}  // namespace bmsg::crypto
