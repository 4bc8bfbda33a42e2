// The text inside a pair file: a keyring that travels, and contacts.

#pragma once

#include "lib/core/result.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/mail/pairing.h"

namespace bmsg::api {

/// Strict in what this version knows; other members are skipped, since a newer version may carry
/// more. Identities come without prekeys, as device 0.
/// Errors: Errc::corrupt naming the member; Errc::bad_config for a newer version.
/// Source: bmsg-format(5), "Pair file".
Result<mail::Pairing> parse_pairing(const crypto::SecretBytes& json);

/// The same of a backup of identities, whose prekeys may stand in it.
Result<mail::Pairing> parse_identity_backup(const crypto::SecretBytes& json);

/// Spends the pairing. Errors: Errc::bad_input for contacts that no reader takes.
Result<crypto::SecretBytes> print_pairing(mail::Pairing pairing);

}  // namespace bmsg::api
