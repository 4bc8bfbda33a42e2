#define OPENSSL_SUPPRESS_DEPRECATED  // The call that needs no provider.

#include "lib/crypto/sha256.h"

#include <openssl/sha.h>

namespace bmsg::crypto {

std::array<std::uint8_t, 32> sha256(ByteView bytes) {
  std::array<std::uint8_t, 32> hash{};
  ::SHA256(bytes.data(), bytes.size(), hash.data());
  return hash;
}

}  // namespace bmsg::crypto
