#include "lib/mail/mail_keys.h"

#include <algorithm>

#include "lib/crypto/sha512.h"
#include "lib/mail/room.h"
#include "lib/mail/sent_to.h"

namespace bmsg::mail {

const OwnIdentity* MailKeys::own_of(ByteView sender) const {
  const auto found = std::ranges::find_if(
      own, [&](const OwnIdentity& one) { return std::ranges::equal(one.address.view(), sender); });
  return found == own.end() ? nullptr : &*found;
}

Digest digest_of_addresses(const Keyring& keyring) {
  std::vector<IdentityKey> addresses;
  for (const Identity& identity : keyring.identities) addresses.push_back(identity.address());
  std::ranges::sort(addresses);
  crypto::Sha512 hash;
  hash.update(as_bytes("bmsg1 mail keys"));
  for (const IdentityKey& address : addresses) hash.update(address.view());
  return hash.finish();
}

MailKeys mail_keys(const Keyring& keyring, const ChainId& chain) {
  MailKeys keys;
  keys.chain = chain;
  keys.mailbox_key = keyring.archive.clone();
  for (const Identity& identity : keyring.identities) {
    const IdentityKey address = identity.address();
    keys.own.push_back({address, identity.name, identity.device, sent_to_key(identity.seed)});
    // Newest first: most mail is sealed to it.
    for (auto key = identity.cards.rbegin(); key != identity.cards.rend(); ++key) {
      if (key->chain != chain) continue;
      keys.live.push_back({crypto::Agreement(key->secret), address, key->inbox});
    }
  }
  for (const Room& room : keyring.rooms) {
    for (const RoomSecret& key : room.keys) {
      keys.rooms.push_back({room.id, room.name, room.keeper, key.epoch, room_public_key(key.secret),
                            crypto::Agreement(room_private_key(key.secret))});
    }
  }
  keys.digest = digest_of_addresses(keyring);
  return keys;
}

}  // namespace bmsg::mail
