// Pairing: what takes an identity to a second machine, and what the new device there needs.

#pragma once

#include <string>
#include <vector>

#include "lib/core/entropy.h"
#include "lib/core/result.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/mail/card_directory.h"
#include "lib/mail/contact_book.h"
#include "lib/mail/keyring.h"

namespace bmsg::mail {

/// What travels. The JSON text of it is read and written by lib/api.
struct Pairing {
  Keyring keyring;  // Identities as device 0 without prekeys, rooms; no mailbox key.
  ContactBook contacts;
};

/// Of a keyring its identities, or `only` that one, its rooms and the keys of Whisper's clients.
/// Prekeys, the mailbox key and what this version does not know stay at home.
Pairing pairing_of(const Keyring& keyring, const Identity* only, ContactBook contacts);

/// A one-time code as it is printed: 128 random bits as 8 proquints, joined by hyphens.
Result<crypto::SecretBytes> make_pair_code(Entropy& entropy);

/// The code that somebody typed, as it is printed. Letters of either case; hyphens and blanks, any
/// number of them, part the words.
/// Errors: Errc::denied for what no code can be.
Result<crypto::SecretBytes> read_pair_code(ByteView typed);

/// The file that travels.
///
/// Shape:  a keyring file whose passphrase is the code as printed, H of it 64. So damage is told
///         from a wrong code, and before anybody is asked.
/// Errors: Errc::bad_input if it would be longer than kPairFileBytesMax; Errc::no_resource.
/// Source: bmsg-format(5), "Pair file".
Result<Bytes> seal_pairing(const crypto::SecretBytes& json, const crypto::SecretBytes& code,
                           Entropy& entropy);

/// Whether a file is whole and asks for no more work than kPairLog2NMax: needs no code.
/// Errors: Errc::corrupt.
Result<Done> check_pairing(ByteView file);

/// The JSON text of a file.
/// Errors: Errc::denied for a wrong code; as check_pairing(); Errc::no_resource.
Result<crypto::SecretBytes> open_pairing(ByteView file, const crypto::SecretBytes& code);

inline constexpr std::size_t kPairFileBytesMax = 64u << 20;  // As many contacts as a book holds.
inline constexpr std::uint8_t kPairLog2NMax = 18;            // 256 MiB and a second.

/// Adds the contacts that are missing; whoever is there stays as he is. What was left out or has
/// another name here comes back as lines for a person, untrusted names among them.
std::vector<std::string> add_missing(ContactBook& book, const ContactBook& from);

/// A card's key as others see it.
Prekey public_half(const CardKey& key);

/// A random device number from 1 to 254 that none of these cards has and that was never retired.
/// Errors: Errc::no_resource; Errc::bad_input if all are taken.
Result<std::uint8_t> draw_device(const NewestCards& known, Entropy& entropy);

/// What the known cards say of a device of ours. Of two devices that drew the same number the one
/// with the higher card keeps it, at equal numbers the one with the lesser prekey.
enum class OwnCard {
  fine,
  unseen,  // No card of our newest prekey: who made it has died before it was queued.
  outbid,  // Ours is the number: a card of a number above all that were seen ends the quarrel.
  yield,   // It is the other's: another number has to be drawn.
  rival,   // Of the first device two cards of one number: its owner has to judge.
};
Result<OwnCard> judge_own_card(const CardDirectory& cards, const Identity& identity,
                               const ChainId& chain);

}  // namespace bmsg::mail
