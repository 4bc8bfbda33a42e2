// Keys of X25519 and Ed25519 between raw bytes and OpenSSL. Only for this folder's .cc files.

#pragma once

#include "lib/core/bytes.h"
#include "lib/crypto/library.h"
#include "lib/crypto/openssl_handle.h"

namespace bmsg::crypto {

inline constexpr std::size_t kRawKeyBytes = 32;

/// A private key of `type`, EVP_PKEY_X25519 or EVP_PKEY_ED25519; null unless `raw` has 32 bytes.
/// Computes the public key as well, which costs as much as an agreement. `context`: library.h;
/// null for a key of a certificate.
KeyHandle private_key_from(int type, ByteView raw, OSSL_LIB_CTX* context = library());

/// A public key of `type`; null unless `raw` has 32 bytes. Whether it is a point shows later.
KeyHandle public_key_from(int type, ByteView raw);

/// The 32 bytes of the public half.
Bytes raw_public_key(const EVP_PKEY* key);

}  // namespace bmsg::crypto
