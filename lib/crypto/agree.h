// Diffie-Hellman on X25519 and secp256k1; a result that is no secret is refused.

#pragma once

#include <memory>
#include <optional>

#include "lib/core/bytes.h"
#include "lib/core/ids.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::crypto {

/// A curve as the KEM sees it: keys are byte strings of fixed length.
enum class Curve { x25519, secp256k1 };

std::size_t public_key_bytes(Curve curve);  // 32, or 65 beginning with 04.

/// The public key of a private one; nullopt if it is none of the curve's.
std::optional<Bytes> public_key_of(Curve curve, const SecretBytes& private_key);

/// The shared secret: 32 bytes (secp256k1: the x-coordinate). nullopt for a key that is no point,
/// and for the all-zero result.
/// Source: RFC 7748, 6.1; RFC 9180, 7.1.4.
std::optional<SecretBytes> agree(Curve curve, const SecretBytes& private_key, ByteView public_key);

/// An X25519 private key with its costly preparation done once, when it is first used, for
/// scanning. Threads: one at a time.
class Agreement {
 public:
  explicit Agreement(const SecretBytes& x25519_private_key);
  Agreement(Agreement&& other) noexcept;
  Agreement& operator=(Agreement&& other) noexcept;
  ~Agreement();

  /// The same key for another thread. Several threads may ask this of one object at once.
  Agreement clone() const;

  std::optional<SecretBytes> with(ByteView public_key) const;
  const Prekey& public_key() const;

 private:
  // OpenSSL's objects, whose header stays out of this one.
  class Key;
  struct Prepared;

  explicit Agreement(std::shared_ptr<Key> key);

  std::shared_ptr<Key> key_;  // One for all clones.
  mutable std::unique_ptr<Prepared> prepared_;
};

}  // namespace bmsg::crypto
