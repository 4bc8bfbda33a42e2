// AES-256-GCM with a 96-bit nonce and a 128-bit tag.

#pragma once

#include <optional>

#include "lib/core/bytes.h"
#include "lib/core/fixed_bytes.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::crypto {

inline constexpr std::size_t kAeadKeyBytes = 32;
inline constexpr std::size_t kAeadTagBytes = 16;
using AeadNonce = FixedBytes<12, struct AeadNonceTag>;

/// Ciphertext, then the tag. The same key and nonce must never seal two texts. A key of 16 bytes
/// makes it AES-128-GCM, which only published vectors of HPKE use.
/// Source: NIST SP 800-38D.
Bytes aead_seal(const SecretBytes& key, const AeadNonce& nonce, ByteView aad, ByteView plain);

/// The plaintext; nullopt if anything was changed. Nothing is released before the tag holds.
std::optional<SecretBytes> aead_open(const SecretBytes& key, const AeadNonce& nonce, ByteView aad,
                                     ByteView sealed);

/// Opens several texts under one key, whose preparation is done once.
/// Threads: one at a time.
class AeadOpener {
 public:
  explicit AeadOpener(const SecretBytes& key);
  AeadOpener(AeadOpener&&) = delete;
  ~AeadOpener();

  /// As aead_open().
  std::optional<SecretBytes> open(const AeadNonce& nonce, ByteView aad, ByteView sealed);

 private:
  void* context_;  // EVP_CIPHER_CTX, whose header stays out of this one.
};

}  // namespace bmsg::crypto
