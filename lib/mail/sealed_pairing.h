// What pair files and backups of identities have in common: a keyring's file with a hash behind it,
// and words that somebody types from a screen or from paper.

#pragma once

#include <optional>
#include <string>

#include "lib/mail/keyring.h"

namespace bmsg::mail {

/// A keyring's file and H(it), so that damage is told from a wrong word.
/// Errors: Errc::bad_input if it would be longer than kPairFileBytesMax; Errc::no_resource.
Result<Bytes> seal_with_sum(const crypto::SecretBytes& json, ByteView passphrase,
                            const crypto::ScryptCost& cost, Entropy& entropy);

/// What is wrong with such a file; nullopt: it is whole, and its front is a keyring's.
std::optional<std::string> find_damage(ByteView file);

/// The keyring of a whole file.
ByteView keyring_in(ByteView file);

/// Proquints of a secret, as they are printed.
crypto::SecretBytes words_of(ByteView secret);

/// The secret in typed words: in any letters, parted by hyphens or blanks. nullopt: a word is no
/// proquint. Whoever calls bounds what is typed.
std::optional<crypto::SecretBytes> secret_in(ByteView typed);

}  // namespace bmsg::mail
