// Ed25519: signing, and checking without the laxity that differs between programs.

#pragma once

#include <optional>

#include "lib/core/ids.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::crypto {

inline constexpr std::size_t kSeedBytes = 32;

/// The public key of a 32-byte seed.
IdentityKey public_key_of(const SecretBytes& seed);

/// Source: RFC 8032, 5.1.6.
Signature sign(const SecretBytes& seed, ByteView message);

/// Cofactorless: S < L, and R is exactly the encoding of S·B − h·A. False for a weak key.
/// Source: RFC 8032, 5.1.7; bmsg-format(5), "Signatures".
bool verify(const IdentityKey& key, ByteView message, const Signature& signature);

/// A key under which anybody can sign: y ≥ p, or y of a point of small order, sign bit ignored.
bool is_weak(const IdentityKey& key);

}  // namespace bmsg::crypto
