// Identities kept for a day on which the store is lost: as a file under a passphrase, or a line on
// paper. Whoever comes back from one is a new device.

#pragma once

#include "lib/mail/pairing.h"

namespace bmsg::mail {

enum class Prekeys { left_out, copied };

/// As pairing_of(), with the prekeys if they are wanted: they open the mail that was sealed to this
/// device, for a thief too.
Pairing backup_of(const Keyring& keyring, const Identity* only, ContactBook contacts,
                  Prekeys prekeys);

/// Shape:  a keyring file, H of it 64. So damage is told from a wrong passphrase.
/// Errors: as seal_keyring(); Errc::bad_input if it would be longer than a pair file may be.
/// Source: bmsg-format(5), "Backup of identities".
Result<Bytes> seal_backup(const crypto::SecretBytes& json, const crypto::SecretBytes& passphrase,
                          const crypto::ScryptCost& cost, Entropy& entropy);

/// Whether a file is whole: needs no passphrase. Errors: Errc::corrupt.
Result<Done> check_backup(ByteView file);

/// The JSON text. Errors: Errc::denied for a wrong passphrase; as check_backup().
Result<crypto::SecretBytes> open_backup(ByteView file, const crypto::SecretBytes& passphrase);

/// An identity's seed as it is written on paper: 16 proquints, and one of H(seed)'s first bytes.
crypto::SecretBytes paper_of(const crypto::SecretBytes& seed);

/// The seed that somebody typed from paper. Letters of either case; hyphens and blanks, any number
/// of them, part the words.
/// Errors: Errc::denied for what is no such paper, saying whether the last word does not fit.
Result<crypto::SecretBytes> seed_on_paper(ByteView typed);

/// The identity of a seed, as it was when it was made but for its name: the revocation is signed
/// again, to the same bytes.
Identity identity_of(crypto::SecretBytes seed, const std::string& name);

}  // namespace bmsg::mail
