#include "cli/room_post.h"

#include <fmt/format.h>

#include "cli/keyring_file.h"
#include "lib/core/try.h"
#include "lib/mail/box.h"
#include "lib/mail/room.h"

namespace bmsg::cli {
namespace {

Error no_secret(std::string_view name) {
  return Error{Errc::no_recipient, fmt::format("the secret of the room '{}' is not here", name),
               "its keeper grants it with 'bmsg room invite'"};
}

mail::RoomPost post_to(const mail::Room& room, const std::string& name) {
  return {.id = room.id,
          .name = name,
          .keeper = room.keeper,
          .key = mail::room_public_key(mail::newest_key(room).secret)};
}

Result<mail::RoomPost> post_by_box(const Context& context, const chain::ChainRules& rules,
                                   const mail::Contact& contact) {
  auto box = mail::box_from_text(contact.box, rules.id);
  if (!box) return in_context(fmt::format("the box of '{}'", contact.name), box.error());
  if (context.clock.now() >= box.value().expires()) {
    return Error{Errc::no_recipient, fmt::format("the box of '{}' has expired", contact.name),
                 "ask its keeper for the output of 'bmsg room box'"};
  }
  return mail::RoomPost{.id = box.value().room,
                        .name = contact.name,
                        .keeper = box.value().keeper,
                        .key = box.value().key};
}

}  // namespace

Result<std::optional<mail::RoomPost>> room_among(const Context& context, const StoreDir& store,
                                                 const chain::ChainRules& rules,
                                                 const mail::ContactBook& contacts,
                                                 const mail::Keyring* keyring,
                                                 const std::vector<std::string>& to) {
  const mail::Contact* room = nullptr;
  for (const std::string& name : to) {
    const mail::Contact* contact = contacts.find(name);
    if (contact != nullptr && contact->kind == mail::ContactKind::room) room = contact;
  }
  if (room == nullptr) return std::optional<mail::RoomPost>();
  if (to.size() > 1) {
    return Error{Errc::bad_usage, fmt::format("'{}' is a room: it is posted to alone", room->name),
                 "send to the others by another message"};
  }
  if (!room->box.empty()) {
    BMSG_TRY_ASSIGN(auto post, post_by_box(context, rules, *room));
    return std::optional(std::move(post));
  }
  std::optional<OpenKeyring> opened;
  if (keyring == nullptr) {
    BMSG_TRY_ASSIGN(opened, unlock_keyring(context, store));
    keyring = &opened->keyring;
  }
  const mail::Room* known = mail::find_room(keyring->rooms, room->room);
  if (known == nullptr) return no_secret(room->name);
  return std::optional(post_to(*known, room->name));
}

Result<mail::RoomPost> room_marked(const mail::ContactBook& contacts, const mail::Keyring& keyring,
                                   const std::string& mark) {
  const mail::Room* known = mail::find_room(keyring.rooms, mail::room_id_in(mark));
  if (known == nullptr) return no_secret(mail::room_name_in(mark));
  const mail::Contact* contact = contacts.by_room(known->id);
  return post_to(*known, contact == nullptr ? known->name : contact->name);
}

}  // namespace bmsg::cli
