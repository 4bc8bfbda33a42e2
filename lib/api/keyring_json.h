// The text inside a keyring: JSON to values and back.

#pragma once

#include "lib/core/result.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/mail/keyring.h"

namespace bmsg::api {

/// Members that this version does not know are kept and written again.
/// Errors: Errc::corrupt naming the member.
/// Source: bmsg-format(5), "Keyring".
Result<mail::Keyring> parse_keyring(const crypto::SecretBytes& json);

/// The same of a keyring that travels: without a mailbox key, and up to `bytes_max` long.
Result<mail::Keyring> parse_travelling_keyring(const crypto::SecretBytes& json,
                                               std::size_t bytes_max);

crypto::SecretBytes print_keyring(const mail::Keyring& keyring);

}  // namespace bmsg::api
