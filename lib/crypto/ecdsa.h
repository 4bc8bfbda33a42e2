// ECDSA over secp256k1, as Whisper's clients sign: one spelling of each signature.

#pragma once

#include "lib/core/ids.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::crypto {

inline constexpr std::size_t kEcdsaPublicBytes = 65;  // Beginning with 04.
inline constexpr std::size_t kEcdsaHashBytes = 32;    // What is signed of a message.

/// The leftmost 256 bits of SHA-512 of a message.
Bytes ecdsa_hash(ByteView message);

/// r and s of 32 bytes each, s at most half the order; the nonce follows from key and hash. `key`
/// must be one of the curve.
/// Source: RFC 6979, 3.2, with HMAC-SHA-256.
Signature ecdsa_sign(const SecretBytes& key, ByteView hash);

/// False for a key that is no point of 65 bytes, for r or s of 0 or not below the order, and for an
/// s above half of it, which anybody can make of a good one.
bool ecdsa_verify(ByteView public_key, ByteView hash, const Signature& signature);

}  // namespace bmsg::crypto
