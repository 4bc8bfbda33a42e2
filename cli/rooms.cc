#include "cli/rooms.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/contact_change.h"
#include "cli/contact_view.h"
#include "cli/own_cards.h"
#include "cli/prompt.h"
#include "cli/room_grants.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/core/address.h"
#include "lib/core/try.h"
#include "lib/mail/room_grant.h"

namespace bmsg::cli {
namespace {

const mail::Keyring& keyring_of(const Mailroom& room, const std::optional<OpenKeyring>& changed) {
  return changed ? changed->keyring : room.keyring();
}

bool is_member(const mail::Room& room, const IdentityKey& address) {
  return std::ranges::find(room.members, address) != room.members.end();
}

/// Grants what is owed under one mark.
Result<Done> owe_to(mail::Room& room, std::uint32_t epoch, std::vector<IdentityKey> to,
                    Entropy& entropy) {
  BMSG_TRY_ASSIGN(auto owed, mail::owe(epoch, std::move(to), entropy));
  room.owed.push_back(std::move(owed));
  return done;
}

}  // namespace

Result<Rooms> Rooms::open(Context& context, const StoreDir& store) {
  BMSG_TRY_ASSIGN(auto room, Mailroom::open(context, store));
  return Rooms(context, store, std::move(room));
}

std::vector<const mail::Contact*> Rooms::all() const {
  std::vector<const mail::Contact*> rooms;
  for (const mail::Contact* contact : mail_->contacts().all()) {
    if (contact->kind == mail::ContactKind::room) rooms.push_back(contact);
  }
  return rooms;
}

Result<const mail::Room*> Rooms::find(const std::string& name) const {
  const mail::Contact* contact = mail_->contacts().find(name);
  if (contact == nullptr) {
    return Error{Errc::no_recipient, fmt::format("no room '{}'", name),
                 "'bmsg room list' lists them; 'bmsg room create NAME' makes one"};
  }
  if (contact->kind != mail::ContactKind::room) {
    return Error{Errc::no_recipient, fmt::format("'{}' is no room", contact->name),
                 "'bmsg room list' lists them"};
  }
  const mail::Room* room = mail::find_room(keyring_of(*mail_, changed_).rooms, contact->room);
  if (room != nullptr) return room;
  return Error{Errc::no_recipient, fmt::format("the secret of the room '{}' is not here", name),
               "whoever has a box can only post; its keeper grants more"};
}

std::string Rooms::name_of(const mail::Room& room) const {
  const mail::Contact* contact = mail_->contacts().by_room(room.id);
  return contact == nullptr ? room.name : contact->name;
}

std::string Rooms::member_name(const IdentityKey& address) const {
  const std::string name = mail_->name_of(address);
  return name.empty() ? to_address(address) : name;
}

api::ContactView Rooms::view(const mail::Room& room) const {
  api::ContactView view;
  view.name = name_of(room);
  view.kind = "room";
  view.address = to_address(room.keeper);
  view.fingerprint = fingerprint_of(room.keeper);
  view.trust = "known";
  view.ack = "never";
  view.card = "none";
  view.epoch = mail::newest_key(room).epoch;
  if (const mail::Contact* contact = mail_->contacts().by_room(room.id))
    view.added = contact->added;
  for (const mail::RoomAlarm& alarm : room.alarms)
    view.alarms.push_back({alarm.epoch, alarm.message});
  if (keyring_of(*mail_, changed_).find(room.keeper) == nullptr) return view;
  view.members.emplace();
  for (const IdentityKey& member : room.members) view.members->push_back(member_name(member));
  std::ranges::sort(*view.members);
  return view;
}

Result<std::vector<IdentityKey>> Rooms::members_named(const std::vector<std::string>& names) const {
  std::vector<IdentityKey> members;
  const auto add = [&](const IdentityKey& address) {
    if (std::ranges::find(members, address) == members.end()) members.push_back(address);
  };
  for (const std::string& name : names) {
    if (const auto address = from_address(name)) {
      add(*address);
      continue;
    }
    BMSG_TRY_ASSIGN(const auto persons, mail_->contacts().persons(name));
    for (const mail::Contact& person : persons) add(*person.address);
  }
  return members;
}

/// Told before anything is made: nothing can be sealed to somebody without a card.
Result<Done> Rooms::want_cards(const std::vector<IdentityKey>& members) const {
  mail::CardDirectory cards(context_->disk, store_.cards(), mail_->rules().id);
  const auto missing = [&]() -> Result<std::optional<IdentityKey>> {
    for (const IdentityKey& member : members) {
      BMSG_TRY_ASSIGN(const auto known, cards.cards_of(member));
      if (known.conflict || known.cards.empty()) return std::optional(member);
    }
    return std::optional<IdentityKey>();
  };
  BMSG_TRY_ASSIGN(auto who, missing());
  if (!who) return done;
  BMSG_TRY(collect_cards(*context_, store_, cards));
  BMSG_TRY_ASSIGN(who, missing());
  if (!who) return done;
  return Error{Errc::no_recipient, fmt::format("no usable card of {}", member_name(*who)),
               "sync, or ask for the output of 'bmsg id --card'"};
}

Result<const mail::Identity*> Rooms::keeper_of(const mail::Room& room,
                                               std::string_view what) const {
  const mail::Identity* keeper = keyring_of(*mail_, changed_).find(room.keeper);
  if (keeper != nullptr) return keeper;
  return Error{Errc::denied,
               fmt::format("only the keeper of '{}' {}, and that is {}", name_of(room), what,
                           member_name(room.keeper)),
               "ask them"};
}

Result<Done> Rooms::save(OpenKeyring& open) {
  BMSG_TRY(save_keyring(*context_, store_, open));
  changed_ = std::move(open);
  return done;
}

/// The keyring that says what is owed is on disk: from here on nothing can be forgotten.
Result<Done> Rooms::hand_out() {
  BMSG_TRY_ASSIGN(const std::size_t missing,
                  send_owed_grants(*context_, store_, mail_->rules(), *changed_));
  if (missing > 0) {
    context_->out.warn(fmt::format("{} grant{} until a card of the member is here", missing,
                                   missing == 1 ? " waits" : "s wait"));
  }
  return done;
}

Result<const mail::Room*> Rooms::create(const std::string& text,
                                        const std::vector<std::string>& names) {
  BMSG_TRY_ASSIGN(const auto name, mail::to_contact_name(text));
  BMSG_TRY_ASSIGN(auto members, members_named(names));
  BMSG_TRY_ASSIGN(const auto* self,
                  writing_identity(*context_, store_, mail_->rules(), mail_->keyring()));
  const IdentityKey keeper = self->address();
  std::erase(members, keeper);
  if (members.size() > mail::kRoomMembersMax) {
    return Error{Errc::bad_input, fmt::format("{} members; a room has at most {}", members.size(),
                                              mail::kRoomMembersMax)};
  }
  BMSG_TRY(want_cards(members));
  BMSG_TRY_ASSIGN(const auto patience, context_->lock_patience(&store_));
  Bytes id;
  {
    BMSG_TRY_ASSIGN(const auto lock,
                    FileLock::take(store_.mail_lock(), "room create", patience, context_->clock));
    BMSG_TRY_ASSIGN(auto open,
                    reopen_keyring(*context_, store_, mail_->open_keyring().passphrase.clone()));
    if (open.keyring.rooms.size() >= mail::kRoomsMax)
      return Error{Errc::bad_input, fmt::format("a store has at most {} rooms", mail::kRoomsMax)};
    BMSG_TRY_ASSIGN(auto room, mail::make_room(name, keeper, context_->entropy));
    room.members = members;
    BMSG_TRY(owe_to(room, mail::kFirstEpoch, members, context_->entropy));
    id = room.id;
    // The name is taken in the same breath: whoever is killed between finds a room without one,
    // and the next command names it.
    const auto named = change_book(*context_, store_, [&](mail::ContactBook& book) -> Result<Done> {
      warn_of_look_alike(*context_, book, name);
      mail::Contact contact;
      contact.name = name;
      contact.kind = mail::ContactKind::room;
      contact.address = keeper;
      contact.room = id;
      contact.added = context_->clock.now();
      BMSG_TRY(book.add(std::move(contact)));
      open.keyring.rooms.push_back(std::move(room));
      return save(open);
    });
    BMSG_TRY(named);
  }
  BMSG_TRY(hand_out());
  BMSG_TRY(mail_->refresh());
  return mail::find_room(changed_->keyring.rooms, id);
}

Result<Done> Rooms::change(const std::string& name, std::string_view what, const Change& change) {
  BMSG_TRY_ASSIGN(const auto* known, find(name));
  BMSG_TRY(keeper_of(*known, what));
  const Bytes id = known->id;
  BMSG_TRY_ASSIGN(const auto patience, context_->lock_patience(&store_));
  {
    BMSG_TRY_ASSIGN(const auto lock,
                    FileLock::take(store_.mail_lock(), "room", patience, context_->clock));
    BMSG_TRY_ASSIGN(auto open,
                    reopen_keyring(*context_, store_, mail_->open_keyring().passphrase.clone()));
    mail::Room* room = mail::find_room(open.keyring.rooms, id);
    if (room == nullptr)
      return Error{Errc::no_recipient, fmt::format("the room '{}' was left meanwhile", name)};
    BMSG_TRY(change(*room));
    BMSG_TRY(save(open));
  }
  return hand_out();
}

/// What is still owed of epochs before is not needed by whoever gets the new one, but it is theirs.
Result<Done> Rooms::fresh_epoch(mail::Room& room, Full full) const {
  const UnixSeconds now = context_->clock.now();
  if (const auto until = mail::lost_with_next_epoch(room, now, mail_->rules().rules.maxttl)) {
    const std::string lost =
        fmt::format("'{}' has {} secrets, and what was posted under the oldest may live until {}",
                    shown_line(name_of(room)), mail::kRoomKeysMax, to_rfc3339(*until));
    if (full == Full::refuse)
      return Error{Errc::exists, lost, "rotate it then, or make another room"};
    context_->out.warn(fmt::format("{}: nobody who has not read that yet can read it now", lost));
  }
  BMSG_TRY(mail::add_epoch(room, now, context_->entropy));
  return owe_to(room, mail::newest_key(room).epoch, room.members, context_->entropy);
}

Result<Done> Rooms::invite(const std::string& name, const std::vector<std::string>& names,
                           History history) {
  BMSG_TRY_ASSIGN(const auto* known, find(name));
  BMSG_TRY(keeper_of(*known, "invites"));
  BMSG_TRY_ASSIGN(auto members, members_named(names));
  std::erase(members, known->keeper);
  if (members.empty())
    return Error{Errc::bad_usage, fmt::format("you keep '{}' yourself: name somebody else", name)};
  BMSG_TRY(want_cards(members));
  return change(name, "invites", [&](mail::Room& room) -> Result<Done> {
    for (const IdentityKey& member : members) {
      if (!is_member(room, member)) room.members.push_back(member);
    }
    if (room.members.size() > mail::kRoomMembersMax) {
      return Error{Errc::bad_input,
                   fmt::format("a room has at most {} members", mail::kRoomMembersMax)};
    }
    if (history == History::none) return fresh_epoch(room, Full::refuse);
    for (const mail::RoomSecret& key : room.keys) {
      const bool wanted = history == History::all || key.epoch == mail::newest_key(room).epoch;
      if (wanted) BMSG_TRY(owe_to(room, key.epoch, members, context_->entropy));
    }
    return done;
  });
}

Result<Done> Rooms::remove(const std::string& name, const std::vector<std::string>& names) {
  BMSG_TRY_ASSIGN(const auto* known, find(name));
  BMSG_TRY(keeper_of(*known, "removes members"));
  BMSG_TRY_ASSIGN(const auto members, members_named(names));
  return change(name, "removes members", [&](mail::Room& room) -> Result<Done> {
    for (const IdentityKey& member : members) {
      if (std::erase(room.members, member) == 0) {
        return Error{Errc::no_recipient,
                     fmt::format("'{}' is no member of '{}'", member_name(member), name),
                     fmt::format("'bmsg room members {}' lists them", name)};
      }
      // What they were to get they do not get any more.
      for (mail::OwedGrant& owed : room.owed) std::erase(owed.to, member);
    }
    // Whoever is put out must not stay in for that.
    return fresh_epoch(room, Full::warn);
  });
}

Result<Done> Rooms::rotate(const std::string& name) {
  return change(name, "rotates it",
                [&](mail::Room& room) { return fresh_epoch(room, Full::refuse); });
}

Result<mail::Box> Rooms::box(const std::string& name) const {
  BMSG_TRY_ASSIGN(const auto* room, find(name));
  BMSG_TRY_ASSIGN(const auto* keeper, keeper_of(*room, "hands out its box"));
  const auto time = static_cast<std::uint32_t>(context_->clock.now().value / 60 * 60);
  BMSG_TRY_ASSIGN(auto made, mail::make_box(mail_->rules(), *room, time, keeper->seed));
  return mail::read_box(std::move(made).with_nonce(0), mail_->rules().id);
}

Result<Done> Rooms::leave(const std::string& name) {
  const auto known = find(name);
  const mail::Contact* contact = mail_->contacts().find(name);
  const bool is_contact = contact != nullptr && contact->kind == mail::ContactKind::room;
  if (!known && !is_contact) return known.error();
  // Where the secret has gone already, or never came, only the name is left.
  const Bytes id = known ? known.value()->id : contact->room;
  BMSG_TRY_ASSIGN(const auto patience, context_->lock_patience(&store_));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store_.mail_lock(), "room leave", patience, context_->clock));
  BMSG_TRY_ASSIGN(auto open,
                  reopen_keyring(*context_, store_, mail_->open_keyring().passphrase.clone()));
  const auto gone =
      std::erase_if(open.keyring.rooms, [&](const mail::Room& room) { return room.id == id; });
  if (gone > 0) BMSG_TRY(save(open));
  return change_book(*context_, store_, [&](mail::ContactBook& book) -> Result<Done> {
    const mail::Contact* left = book.by_room(id);
    return left == nullptr ? Result<Done>(done) : book.remove(std::string(left->name));
  });
}

}  // namespace bmsg::cli
