// The keyring: every private key of a store, as one encrypted file.
//
// The text inside is JSON, which lib/api reads and writes; here are the values and the encryption.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/core/entropy.h"
#include "lib/core/ids.h"
#include "lib/core/result.h"
#include "lib/crypto/kdf.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/mail/records.h"

namespace bmsg::mail {

/// The private half of one card.
struct CardKey {
  ChainId chain;
  std::uint64_t seq = 1;
  crypto::SecretBytes secret;      // X25519.
  UnixSeconds until;               // When the card expires.
  UnixSeconds buried;              // Time of the block that holds it, once deep enough; 0: not yet.
  std::optional<BlockHash> block;  // That block. JSON "block", absent while "buried" is 0.
  InboxPrefix inbox;            // As the card says. JSON "inbox": 5 bytes as hex, absent if zero.
  crypto::SecretBytes unknown;  // JSON object of members that this version does not know.
};

/// How long a prekey is the newest, and for how long after the next one's burial it is kept.
inline constexpr std::uint64_t kEpochSeconds = 7 * 86400;
inline constexpr std::uint64_t kGraceSeconds = 7 * 86400;

/// An Ed25519 seed, and the address that it stands for, which takes longer to compute than to
/// remember.
class IdentitySeed : public crypto::SecretBytes {
 public:
  IdentitySeed() = default;
  /// One that has not 32 bytes has no address.
  IdentitySeed(crypto::SecretBytes secret);  // NOLINT(google-explicit-constructor): it is one.

  const IdentityKey& address() const;

 private:
  std::optional<IdentityKey> address_;
};

/// Somebody we are.
struct Identity {
  std::string name;  // Also what cards claim; may be empty.
  IdentitySeed seed;
  Bytes revocation;                     // Signed in advance; 193 bytes.
  std::uint8_t device = 0;              // Of this store.
  std::vector<CardKey> cards;           // Oldest first, of all chains.
  std::uint64_t epoch = kEpochSeconds;  // See epoch.h. JSON "epoch" and "grace", absent if so.
  std::uint64_t grace = kGraceSeconds;
  std::uint8_t inbox_bits = 0;  // That its next cards ask for. JSON "inbox_bits", absent if 0.
  crypto::SecretBytes unknown;

  const IdentityKey& address() const { return seed.address(); }
};

/// The secret of one epoch of a room.
struct RoomSecret {
  std::uint32_t epoch = 0;
  crypto::SecretBytes secret;
  UnixSeconds replaced{};  // When a later epoch came here; 0: it is the newest.
};

/// A grant that is still to be sealed to these: they have no card yet, or whoever was about to do
/// it has died.
struct OwedGrant {
  Bytes mark;  // 8 random bytes: what was queued under it is not queued again.
  std::uint32_t epoch = 0;
  std::vector<IdentityKey> to;  // None: only our other devices.
};

/// The keeper gave another secret for an epoch that we have.
struct RoomAlarm {
  std::uint32_t epoch = 0;
  MessageId message;

  bool operator==(const RoomAlarm&) const = default;
};

/// What is done with a room is in room.h.
struct Room {
  Bytes id;  // 16 bytes, the same in every epoch.
  std::string name;
  IdentityKey keeper;
  std::vector<RoomSecret> keys;        // By epoch, ascending.
  std::vector<IdentityKey> members{};  // Others than the keeper, as the keeper knows them.
  std::vector<OwedGrant> owed{};       // Of the keeper.
  std::vector<RoomAlarm> alarms{};
  std::uint32_t skip = 0;  // Epochs that the next one leaves out: a lost copy may have given them.
  crypto::SecretBytes unknown;
};

struct Keyring {
  std::vector<Identity> identities;
  std::vector<Room> rooms;
  crypto::SecretBytes shh;      // The gateway's keys: a JSON array, passed through.
  crypto::SecretBytes archive;  // The mailbox key, 32 bytes.
  crypto::SecretBytes unknown;

  /// By name, in whichever form Unicode calls the same.
  const Identity* find(std::string_view name) const;
  const Identity* find(const IdentityKey& address) const;
};

/// A keyring without identities, with a mailbox key.
Result<Keyring> make_keyring(Entropy& entropy);

/// A new identity with its revocation signed in advance and no card yet.
Result<Identity> make_identity(const std::string& name, std::uint8_t device, Entropy& entropy);

/// The inbox that the cards of an identity ask for: as many bits as it chose, of a topic that all
/// its devices have in common, so that one message reaches them all. No more bits are told.
InboxPrefix inbox_of(const Identity& identity);

/// A fresh prekey for this chain, numbered after the newest there is; the caller makes its card
/// and saves the keyring before the card is seen by anybody.
Result<CardKey> make_card_key(const Identity& identity, const ChainId& chain, UnixSeconds until,
                              Entropy& entropy);

/// The keyring's file.
///
/// Shape:  "bmK1", log2_n 1, r 1, p 1, zero 1, salt 32, commitment 32, ciphertext and tag.
/// Errors: Errc::no_resource.
/// Source: bmsg-format(5), "Keyring".
Result<Bytes> seal_keyring(const crypto::SecretBytes& json, ByteView passphrase,
                           const crypto::ScryptCost& cost, Entropy& entropy);

/// Whether the front of a file is that of a keyring: told before anybody is asked for a passphrase.
/// Errors: Errc::corrupt.
Result<Done> check_keyring(ByteView file);

/// The JSON text of a keyring file.
/// Errors: Errc::denied for a wrong passphrase; Errc::corrupt for a damaged file (a damaged salt
///         or commitment cannot be told from a wrong passphrase); Errc::no_resource.
Result<crypto::SecretBytes> open_keyring(ByteView file, ByteView passphrase);

/// The cost for a store whose owner chose no passphrase: nothing to guess, so nothing to pay.
inline constexpr crypto::ScryptCost kNoPassphraseCost{.log2_n = 1, .r = 8, .p = 1};
// More than a thousand rooms with all secrets that others can give, and years of prekeys.
inline constexpr std::size_t kKeyringBytesMax = 32u << 20;

}  // namespace bmsg::mail
