#include "cli/take_in.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/contact_change.h"
#include "cli/identity_view.h"
#include "cli/own_cards.h"
#include "cli/session.h"
#include "cli/text.h"
#include "lib/api/json_objects.h"
#include "lib/api/whisper_keyring.h"
#include "lib/core/address.h"
#include "lib/core/try.h"
#include "lib/mail/room.h"

namespace bmsg::cli {
namespace {

/// Secrets and members of a room that is here already, by an invite say, are added to what is here.
void merge(mail::Room& known, mail::Room arrived, UnixSeconds now) {
  for (mail::RoomSecret& key : arrived.keys)
    if (mail::find_key(known, key.epoch) == nullptr) known.keys.push_back(std::move(key));
  std::ranges::sort(known.keys, {}, &mail::RoomSecret::epoch);
  for (mail::RoomSecret& key : known.keys) {
    const bool is_newest = &key == &known.keys.back();
    if (!is_newest && key.replaced.value == 0) key.replaced = now;
  }
  while (known.keys.size() > mail::kRoomKeysMax) known.keys.erase(known.keys.begin());
  if (known.members.empty()) known.members = std::move(arrived.members);
  if (known.name.empty()) known.name = std::move(arrived.name);
}

void add_rooms(Context& context, mail::Keyring& here, std::vector<mail::Room> arrived) {
  for (mail::Room& room : arrived) {
    mail::Room* known = mail::find_room(here.rooms, room.id);
    if (known == nullptr) {
      here.rooms.push_back(std::move(room));
    } else if (known->keeper == room.keeper) {
      merge(*known, std::move(room), context.clock.now());
    } else {
      context.out.warn(
          fmt::format("the room '{}' has another keeper here: it was left", shown_line(room.name)));
    }
  }
}

}  // namespace

Result<Done> check_strangers(const mail::Keyring& here, const mail::Keyring& arrived) {
  for (const mail::Identity& identity : arrived.identities) {
    if (const mail::Identity* known = here.find(identity.address())) {
      return Error{Errc::exists,
                   fmt::format("the identity '{}' is in this store already, as device {}",
                               known->name, known->device),
                   "a second device is a store of its own: 'bmsg init' or 'bmsg clone' with "
                   "--no-identity makes one"};
    }
    if (here.find(identity.name) != nullptr) {
      return Error{Errc::exists, fmt::format("this store has another identity '{}'", identity.name),
                   "take a store that was made with --no-identity"};
    }
  }
  return done;
}

Result<Done> take_in(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                     OpenKeyring& open, mail::Pairing pairing) {
  mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  BMSG_TRY(collect_cards(context, store, cards));
  std::vector<IdentityKey> living;
  for (mail::Identity& identity : pairing.keyring.identities) {
    BMSG_TRY_ASSIGN(const auto known, cards.cards_of(identity.address()));
    BMSG_TRY_ASSIGN(identity.device, mail::draw_device(known, context.entropy));
    if (known.revoked) {
      context.out.warn(
          fmt::format("'{}' is revoked: what it got can be read here, but it gets no "
                      "card, and nobody seals to it any more",
                      shown_line(identity.name)));
      continue;
    }
    BMSG_TRY(add_card_key(context, identity, rules));
    living.push_back(identity.address());
  }
  BMSG_TRY_ASSIGN(const auto clients_keys, api::parse_whisper_keys(pairing.keyring.shh));
  BMSG_TRY_ASSIGN(open.keyring.shh, api::merge_whisper_keys(open.keyring.shh, {}, clients_keys));
  std::vector<std::string> told;
  BMSG_TRY(change_book(context, store, [&](mail::ContactBook& book) -> Result<Done> {
    told = mail::add_missing(book, pairing.contacts);
    return done;
  }));
  for (const std::string& line : told) context.out.warn(line);
  add_rooms(context, open.keyring, std::move(pairing.keyring.rooms));
  for (mail::Identity& identity : pairing.keyring.identities)
    open.keyring.identities.push_back(std::move(identity));
  BMSG_TRY(save_keyring(context, store, open));
  for (const IdentityKey& address : living)
    BMSG_TRY(queue_card(context, store, open, *open.keyring.find(address), rules));
  poke_node(store);
  return done;
}

Result<Done> print_identities(Context& context, const StoreDir& store, const OpenKeyring& open,
                              const std::vector<IdentityKey>& addresses, const ChainId& chain) {
  for (const IdentityKey& address : addresses) {
    if (!context.options.json) {
      context.out.line(to_address(address));
      continue;
    }
    BMSG_TRY_ASSIGN(const auto view,
                    identity_view(context, store, open, *open.keyring.find(address), chain));
    context.out.line(api::identity_json(view));
  }
  return done;
}

}  // namespace bmsg::cli
