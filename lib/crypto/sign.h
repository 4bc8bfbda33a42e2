// Ed25519: signing, and checking without the laxity that differs between programs.

#pragma once

#include <optional>

#include "lib/core/ids.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::crypto {

inline constexpr std::size_t kSeedBytes = 32;

/// The public key of a 32-byte seed.
IdentityKey public_key_of(const SecretBytes& seed);

/// A seed with its costly preparation done once, for who signs often.
/// Threads: any.
class Signer {
 public:
  explicit Signer(const SecretBytes& seed);
  Signer(Signer&& other) noexcept;
  Signer& operator=(Signer&& other) noexcept;
  ~Signer();

  const IdentityKey& public_key() const { return public_key_; }
  /// As sign().
  Signature sign(ByteView message) const;

 private:
  void* key_;  // EVP_PKEY, whose header stays out of this one.
  IdentityKey public_key_;
};

/// Source: RFC 8032, 5.1.6.
Signature sign(const SecretBytes& seed, ByteView message);

/// Cofactorless: S < L, and R is exactly the encoding of S·B − h·A. False for a weak key.
/// Source: RFC 8032, 5.1.7; bmsg-format(5), "Signatures".
bool verify(const IdentityKey& key, ByteView message, const Signature& signature);

/// A key under which anybody can sign: y ≥ p, or y of a point of small order, sign bit ignored.
bool is_weak(const IdentityKey& key);

}  // namespace bmsg::crypto
