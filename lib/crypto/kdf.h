// Keys from keys (HKDF) and keys from passphrases (scrypt).

#pragma once

#include "lib/core/bytes.h"
#include "lib/core/result.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::crypto {

enum class Hash { sha256, sha512 };

/// Source: RFC 2104, RFC 4231.
SecretBytes hmac(Hash hash, ByteView key, ByteView message);

/// Source: RFC 5869, 2.2 and 2.3. At most 255 hash lengths.
SecretBytes hkdf_extract(Hash hash, ByteView salt, ByteView ikm);
SecretBytes hkdf_expand(Hash hash, ByteView prk, ByteView info, std::size_t size);
/// Both steps.
SecretBytes hkdf(Hash hash, ByteView salt, ByteView ikm, ByteView info, std::size_t size);

/// What a passphrase costs. Accepted: log2_n 1, for no passphrase at all, or 10 to 22;
/// r = 8, 1 ≤ p ≤ 4.
struct ScryptCost {
  std::uint8_t log2_n = 17;
  std::uint8_t r = 8;
  std::uint8_t p = 1;
};

/// Errors: Errc::bad_input for a cost that is not accepted; Errc::no_resource if memory
///         (128·r·2^log2_n bytes) is not to be had.
/// Source: RFC 7914.
Result<SecretBytes> scrypt(ByteView passphrase, ByteView salt, const ScryptCost& cost,
                           std::size_t size);

}  // namespace bmsg::crypto
