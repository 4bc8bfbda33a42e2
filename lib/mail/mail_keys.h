// The keys that a store tries on messages, prepared once.

#pragma once

#include <string>
#include <vector>

#include "lib/crypto/agree.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/mail/keyring.h"

namespace bmsg::mail {

/// An identity of ours, without its seed.
struct OwnIdentity {
  IdentityKey address;
  std::string name;
  std::uint8_t device = 0;
  crypto::SecretBytes sent_to_key;  // Of what its other devices say (sent_to.h).
};

/// A prekey that a message may have been sealed to.
struct LiveKey {
  crypto::Agreement agreement;
  IdentityKey owner;
  InboxPrefix inbox;
};

/// The secret of one epoch of a room.
struct RoomKey {
  Bytes room;  // Its id.
  std::string name;
  IdentityKey keeper;
  std::uint32_t epoch = 0;
  Bytes public_key;
  crypto::Agreement agreement;
};

/// Threads: one at a time; what is only copied or read of it (judge.h), any.
struct MailKeys {
  ChainId chain;
  std::vector<OwnIdentity> own;
  std::vector<LiveKey> live;
  std::vector<RoomKey> rooms;  // A new one makes what was scanned be looked through for it.
  crypto::SecretBytes mailbox_key;
  /// H over our addresses. Another value makes a scan start over; a fresh prekey does not, since
  /// nothing can have been sealed to it before.
  Digest digest;

  const OwnIdentity* own_of(ByteView sender) const;
};

/// What MailKeys::digest is for these identities.
Digest digest_of_addresses(const Keyring& keyring);

MailKeys mail_keys(const Keyring& keyring, const ChainId& chain);

}  // namespace bmsg::mail
