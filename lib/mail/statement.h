// Statements of revocation and succession: signed when a key is made, kept on paper until needed.

#pragma once

#include <optional>

#include "lib/core/bytes.h"
#include "lib/core/ids.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::mail {

inline constexpr std::size_t kStatementBytes = 193;
inline constexpr std::uint8_t kWholeIdentity = 0xff;  // Scope; else a device number.

/// That a key, or one device of it, is not to be used any more.
struct Statement {
  std::uint8_t scope = kWholeIdentity;
  IdentityKey old_key;
  std::optional<IdentityKey> new_key;  // Proposed, never adopted by itself. None for a device.
};

/// Shape:  scope 1, old key 32, new key 32 or zeros, signature 64, new key's signature 64 or zeros.
/// Source: bmsg-format(5), "Statement".
Bytes make_statement(std::uint8_t scope, const crypto::SecretBytes& old_seed,
                     const crypto::SecretBytes* new_seed);

/// nullopt unless shape and signatures are good.
std::optional<Statement> read_statement(ByteView bytes);

}  // namespace bmsg::mail
