#include "lib/crypto/secret_bytes.h"

#include <utility>

#include <openssl/crypto.h>

namespace bmsg::crypto {

SecretBytes::SecretBytes(std::size_t size) : bytes_(size) {}

SecretBytes SecretBytes::from(ByteView bytes) {
  SecretBytes made;
  made.bytes_.assign(bytes.begin(), bytes.end());
  return made;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : bytes_(std::exchange(other.bytes_, Bytes())) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this == &other) return *this;
  wipe(bytes_);
  bytes_ = std::exchange(other.bytes_, Bytes());
  return *this;
}

SecretBytes::~SecretBytes() { wipe(bytes_); }

SecretBytes SecretBytes::clone() const { return from(bytes_); }

void wipe(std::span<std::uint8_t> bytes) {
  if (!bytes.empty()) OPENSSL_cleanse(bytes.data(), bytes.size());
}

bool equal_in_constant_time(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  return a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace bmsg::crypto
