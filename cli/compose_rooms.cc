// Posts to rooms: what must be known before one is sealed.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "cli/compose.h"
#include "cli/mailroom.h"
#include "cli/session.h"
#include "lib/core/try.h"
#include "lib/mail/card_directory.h"
#include "lib/mail/revocation.h"

namespace bmsg::cli {
namespace {

constexpr std::chrono::seconds kLearnAgainAfter{1};

}  // namespace

Result<Done> Sender::check_room(const mail::RoomPost& room, const SendRequest& request) const {
  if (request.ask_ack) {
    return Error{
        Errc::bad_usage,
        fmt::format("'{}' is a room: nobody can say that all its members have read it", room.name),
        "--wait mined waits until it is in a block"};
  }
  const mail::CardDirectory cards(context_->disk, store_.cards(), rules_.id);
  BMSG_TRY_ASSIGN(const auto ended, cards.revocations_of(room.keeper));
  if (mail::ends_identity(ended))
    return Error{Errc::no_recipient,
                 fmt::format("the keeper of '{}' has revoked the key that opened it", room.name),
                 "ask for a room of the successor's"};
  const mail::Contact* keeper = contacts_.by_address(room.keeper);
  const bool own = keyring_ && keyring_->keyring.find(room.keeper) != nullptr;
  const bool verified = keeper != nullptr && keeper->trust == mail::Trust::verified;
  if (policy_.require_verified && !own && !verified)
    return not_verified(fmt::format("the keeper of '{}'", room.name));
  return done;
}

Result<Done> Sender::learn_grants(const std::vector<std::string>& to) {
  const auto is_room = [&](const std::string& name) {
    const mail::Contact* contact = contacts_.find(name);
    return contact != nullptr && contact->kind == mail::ContactKind::room;
  };
  if (!gathers_) return std::ranges::any_of(to, is_room) ? learn_grants() : done;
  // Only between letters that are queued together: others may wait for what these hold.
  const auto now = context_->clock.steady();
  if (!gathered_.empty() || (learnt_ && now - *learnt_ < kLearnAgainAfter)) return done;
  learnt_ = now;
  return learn_grants();
}

Result<Done> Sender::learn_grants() {
  if (!keyring_ || keyring_->keyring.rooms.empty()) return done;
  BMSG_TRY_ASSIGN(auto keyring, reopen_keyring(*context_, store_, keyring_->passphrase.clone()));
  BMSG_TRY_ASSIGN(auto mail, Mailroom::open(*context_, store_, std::move(keyring)));
  const IdentityKey address = identity_->address();
  OpenKeyring newest = std::move(*mail).give_keyring();
  const mail::Identity* same = newest.keyring.find(address);
  if (same == nullptr)
    return Error{Errc::try_again, "the identity that signs was removed meanwhile"};
  keyring_ = std::move(newest);
  identity_ = keyring_->keyring.find(address);
  BMSG_TRY_ASSIGN(contacts_, read_contacts(*context_, store_));
  return done;
}

}  // namespace bmsg::cli
