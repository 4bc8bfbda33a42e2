#include "cli/room_grants.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/contact_change.h"
#include "cli/mailroom.h"
#include "cli/session.h"
#include "cli/text.h"
#include "lib/core/address.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/card_directory.h"
#include "lib/mail/room_grant.h"
#include "lib/mail/sent_to.h"
#include "storage/rocks_mail_store.h"

namespace bmsg::cli {
namespace {

constexpr std::chrono::milliseconds kPatience{500};  // As for the index: others come by again.
constexpr std::size_t kInvitationsMax = 1000;        // Of strangers, that are looked at.

/// A grant that its granter may give us.
struct Arrived {
  MessageId id;
  mail::Grant grant;
};

/// What a look at the flagged messages came to.
struct Judged {
  std::vector<Arrived> accepted;
  std::vector<MessageId> invitations;  // New ones.
  std::vector<MessageId> broken;       // Not to be looked at again.
};

bool is_accepted(const IdentityKey& granter, const mail::ContactBook& contacts,
                 const mail::Keyring& keyring) {
  if (keyring.find(granter) != nullptr) return true;
  const mail::Contact* contact = contacts.by_address(granter);
  return contact != nullptr && contact->trust != mail::Trust::blocked;
}

Result<Done> judge(const mail::Mailbox& box, const mail::MailItem& item,
                   const mail::ContactBook& contacts, const mail::Keyring& keyring,
                   mail::RevocationMarks& marks, Judged& judged) {
  const auto granter = item.summary.identity();
  if (!granter) return done;
  BMSG_TRY_ASSIGN(const bool is_after, marks.is_after(item));
  if (is_after) {  // Whoever has stolen the key signs grants too.
    judged.broken.push_back(item.id);
    return done;
  }
  if (!is_accepted(*granter, contacts, keyring)) {
    if (!item.flags.contains(std::string(mail::kInvitationFlag)))
      judged.invitations.push_back(item.id);
    return done;
  }
  BMSG_TRY_ASSIGN(const auto text, box.read(item.id));
  // A body that is nowhere now may come again.
  if (text && text->opened.fault == mail::Fault::body) return done;
  auto grant = text ? mail::read_grant(text->opened) : std::nullopt;
  if (!grant) {
    judged.broken.push_back(item.id);
    return done;
  }
  if (const mail::Identity* self = keyring.find(grant->granter)) {
    const Bytes& sent_to = text->opened.content.sent_to;
    grant->to = mail::open_sent_to(mail::sent_to_key(self->seed), sent_to);
    grant->tells_members = !sent_to.empty();
  }
  judged.accepted.push_back({item.id, std::move(*grant)});
  return done;
}

Result<Judged> judge_all(const mail::Mailbox& box, const mail::MailReader& index,
                         const mail::ContactBook& contacts, const mail::Keyring& keyring,
                         mail::RevocationMarks& marks) {
  Judged judged;
  std::vector<mail::MailItem> items;
  std::size_t strangers = 0;
  for (const std::string_view flag : {mail::kGrantedFlag, mail::kInvitationFlag}) {
    BMSG_TRY_ASSIGN(auto ids, index.with_flag(std::string(flag)));
    for (const MessageId& id : ids) {
      BMSG_TRY_ASSIGN(auto item, box.item(id));
      if (!item) continue;
      // However many strangers invite, none hides what comes from a contact.
      const auto granter = item->summary.identity();
      const bool is_known = granter && is_accepted(*granter, contacts, keyring);
      if (is_known || strangers++ < kInvitationsMax) items.push_back(std::move(*item));
    }
  }
  // The first that is accepted names the keeper.
  std::ranges::sort(items, {}, &mail::MailItem::order);
  for (const mail::MailItem& item : items)
    BMSG_TRY(judge(box, item, contacts, keyring, marks, judged));
  return judged;
}

std::string who(const IdentityKey& address, const mail::ContactBook& contacts) {
  const mail::Contact* contact = contacts.by_address(address);
  return contact == nullptr ? to_address(address) : fmt::format("'{}'", contact->name);
}

void tell(Context& context, const mail::ContactBook& contacts, const Arrived& one,
          mail::GrantOutcome outcome) {
  const std::string name = shown_line(one.grant.name);
  const std::string granter = shown_line(who(one.grant.granter, contacts));
  switch (outcome) {
    case mail::GrantOutcome::known:
      return;
    case mail::GrantOutcome::room:
      return context.out.note(
          fmt::format("the room '{}' is open to you: {} keeps it", name, granter));
    case mail::GrantOutcome::epoch:
      return context.out.note(
          fmt::format("the room '{}' has a secret for epoch {}", name, one.grant.epoch));
    case mail::GrantOutcome::not_keeper:
      return context.out.warn(fmt::format(
          "{} is not the keeper of the room '{}': a secret from there was left", granter, name));
    case mail::GrantOutcome::alarm:
      return context.out.warn(fmt::format(
          "the keeper of the room '{}' gave two secrets for epoch {}: the second was left; ask {}",
          name, one.grant.epoch, granter));
    case mail::GrantOutcome::full:
      return context.out.warn(fmt::format("there are too many rooms: '{}' was left", name));
  }
}

/// What is in the index loses its flag; what is there in memory only is found again.
Result<Done> set_flags(mail::MailStore& index, const std::vector<MessageId>& ids,
                       const mail::Flags& flags, mail::MailChange& change) {
  for (const MessageId& id : ids) {
    BMSG_TRY_ASSIGN(const auto entry, index.entry(id));
    if (entry) change.flags[id] = flags;
  }
  return done;
}

Result<Done> settle_flags(Context& context, const StoreDir& store, const Judged& judged) {
  const storage::OpenOptions options{.disk = context.disk};
  BMSG_TRY_ASSIGN(const auto index, storage::RocksMailStore::open(store.mail(), options));
  std::vector<MessageId> settled = judged.broken;
  for (const Arrived& one : judged.accepted) settled.push_back(one.id);
  mail::MailChange change;
  BMSG_TRY(set_flags(*index, settled, {}, change));
  BMSG_TRY(set_flags(*index, judged.invitations, {std::string(mail::kInvitationFlag), "unread"},
                     change));
  return change.flags.empty() ? Result<Done>(done) : index->apply(change);
}

/// Whoever has the box of a room knows its keeper: nobody else can open it to us.
mail::GrantOutcome take(const Arrived& one, const mail::ContactBook& contacts,
                        std::vector<mail::Room>& rooms, UnixSeconds now) {
  const mail::Contact* named = contacts.by_room(one.grant.id);
  if (named != nullptr && named->address != one.grant.granter)
    return mail::GrantOutcome::not_keeper;
  mail::Grant grant{.id = one.grant.id,
                    .name = one.grant.name,
                    .granter = one.grant.granter,
                    .epoch = one.grant.epoch,
                    .secret = one.grant.secret.clone(),
                    .to = one.grant.to,
                    .tells_members = one.grant.tells_members};
  return mail::take_grant(rooms, std::move(grant), one.id, now);
}

/// nullopt if it stays busy.
Result<std::optional<FileLock>> mail_lock(Context& context, const StoreDir& store) {
  auto lock = FileLock::take(store.mail_lock(), context.command, kPatience, context.clock);
  if (!lock && lock.error().code == Errc::locked) return std::optional<FileLock>();
  if (!lock) return lock.error();
  return std::optional(std::move(lock).value());
}

}  // namespace

Result<bool> take_grants(Context& context, const StoreDir& store, const mail::Mailbox& box,
                         const mail::MailReader& index, const mail::ContactBook& contacts,
                         mail::RevocationMarks& marks, OpenKeyring& open) {
  BMSG_TRY_ASSIGN(auto judged, judge_all(box, index, contacts, open.keyring, marks));
  if (judged.accepted.empty() && judged.invitations.empty() && judged.broken.empty()) return false;
  BMSG_TRY_ASSIGN(const auto lock, mail_lock(context, store));
  if (!lock) return false;
  bool changed = false;
  if (!judged.accepted.empty()) {
    BMSG_TRY_ASSIGN(open, reopen_keyring(context, store, open.passphrase.clone()));
    for (Arrived& one : judged.accepted) {
      const auto outcome = take(one, contacts, open.keyring.rooms, context.clock.now());
      tell(context, contacts, one, outcome);
      const bool taken = outcome != mail::GrantOutcome::known &&
                         outcome != mail::GrantOutcome::not_keeper &&
                         outcome != mail::GrantOutcome::full;
      changed |= taken || one.grant.tells_members;
    }
    if (changed) BMSG_TRY(save_keyring(context, store, open));
  }
  BMSG_TRY(settle_flags(context, store, judged));
  return true;
}

namespace {

/// A name that is free: as it is, else with a number.
std::string free_name(const mail::ContactBook& book, const mail::Room& room) {
  const auto kept = mail::to_contact_name(room.name);
  const std::string base = kept ? kept.value() : "room-" + to_hex(ByteView(room.id).first(4));
  std::string name = base;
  for (int number = 2; book.find(name) != nullptr; ++number) {
    const std::string end = fmt::format("-{}", number);
    name = base.substr(0, std::min(base.size(), mail::kNameBytesMax - end.size())) + end;
    if (!mail::to_contact_name(name)) name = "room-" + to_hex(room.id) + end;
  }
  return name;
}

}  // namespace

Result<Done> name_rooms(Context& context, const StoreDir& store, const mail::Keyring& keyring,
                        mail::ContactBook& contacts) {
  const auto is_named = [](const mail::ContactBook& book, const mail::Room& room) {
    const mail::Contact* known = book.by_room(room.id);
    // A box of another keeper has the room's id and not its name.
    return known != nullptr && (known->box.empty() || known->address != room.keeper);
  };
  const bool all = std::ranges::all_of(
      keyring.rooms, [&](const mail::Room& room) { return is_named(contacts, room); });
  if (all) return done;
  const auto named = change_book(context, store, [&](mail::ContactBook& book) -> Result<Done> {
    for (const mail::Room& room : keyring.rooms) {
      if (is_named(book, room)) continue;
      mail::Contact made;
      // Who had only the box keeps the name of it.
      if (const mail::Contact* box = book.by_room(room.id)) {
        made.name = box->name;
        BMSG_TRY(book.remove(made.name));
      } else {
        made.name = free_name(book, room);
      }
      made.kind = mail::ContactKind::room;
      made.address = room.keeper;
      made.room = room.id;
      made.added = context.clock.now();
      warn_of_look_alike(context, book, made.name);
      BMSG_TRY(book.add(std::move(made)));
    }
    return done;
  });
  BMSG_TRY(named);
  BMSG_TRY_ASSIGN(contacts, read_contacts(context, store));
  return done;
}

namespace {

/// What was queued, and for whom it was not.
struct Settled {
  Bytes room;
  Bytes mark;
  std::vector<IdentityKey> missing;
};

Result<std::vector<Settled>> send_all_owed(Context& context, const StoreDir& store,
                                           const chain::ChainRules& rules,
                                           const mail::Keyring& keyring) {
  std::vector<Settled> settled;
  std::optional<Error> failed;
  mail::CardDirectory cards(context.disk, store.cards(), rules.id);
  mail::Outbox outbox(context.disk, store.outbox());
  for (const mail::Room& room : keyring.rooms) {
    const mail::Identity* keeper = keyring.find(room.keeper);
    if (keeper == nullptr) continue;
    for (const mail::OwedGrant& owed : room.owed) {
      const auto sending = sending_with(context, rules, cards, outbox, &keyring, keeper);
      auto granted = mail::send_grant(room, owed, sending, std::stop_token());
      // One room that cannot be served keeps no other waiting.
      if (!granted && !failed) failed = granted.error();
      if (granted) settled.push_back({room.id, owed.mark, std::move(granted.value().missing)});
    }
  }
  if (failed && settled.empty()) return *failed;
  if (failed) context.out.warn("a grant of a room waits: " + failed->message);
  return settled;
}

}  // namespace

Result<std::size_t> send_owed_grants(Context& context, const StoreDir& store,
                                     const chain::ChainRules& rules, OpenKeyring& open) {
  const bool owes = std::ranges::any_of(open.keyring.rooms,
                                        [](const mail::Room& room) { return !room.owed.empty(); });
  if (!owes) return std::size_t{0};
  BMSG_TRY_ASSIGN(const auto settled, send_all_owed(context, store, rules, open.keyring));
  poke_node(store);
  BMSG_TRY_ASSIGN(const auto lock, mail_lock(context, store));
  if (!lock) return std::size_t{0};  // Whoever comes next finds all of it queued.
  BMSG_TRY_ASSIGN(open, reopen_keyring(context, store, open.passphrase.clone()));
  std::size_t missing = 0;
  bool changed = false;
  for (const Settled& one : settled) {
    mail::Room* room = mail::find_room(open.keyring.rooms, one.room);
    if (room == nullptr) continue;
    const auto owed = std::ranges::find(room->owed, one.mark, &mail::OwedGrant::mark);
    missing += one.missing.size();
    if (owed == room->owed.end() || (owed->to == one.missing && !one.missing.empty())) continue;
    owed->to = one.missing;
    if (one.missing.empty()) room->owed.erase(owed);
    changed = true;
  }
  if (changed) BMSG_TRY(save_keyring(context, store, open));
  return missing;
}

Result<Done> drop_old_room_keys(Context& context, const StoreDir& store,
                                const chain::ChainRules& rules, OpenKeyring& open) {
  const UnixSeconds now = context.clock.now();
  const auto is_old = [&](const mail::RoomSecret& key) {
    return key.replaced.value != 0 && key.replaced.value + rules.rules.maxttl < now.value;
  };
  const bool any = std::ranges::any_of(open.keyring.rooms, [&](const mail::Room& room) {
    return std::ranges::any_of(room.keys, is_old);
  });
  if (!any) return done;
  BMSG_TRY_ASSIGN(const auto lock, mail_lock(context, store));
  if (!lock) return done;
  BMSG_TRY_ASSIGN(open, reopen_keyring(context, store, open.passphrase.clone()));
  std::size_t dropped = 0;
  for (mail::Room& room : open.keyring.rooms)
    dropped += mail::drop_old_keys(room, now, rules.rules.maxttl);
  return dropped > 0 ? save_keyring(context, store, open) : Result<Done>(done);
}

Result<std::vector<std::string>> invitations(const mail::Mailbox& box) {
  mail::ListFilter filter;
  filter.flag = mail::kInvitationFlag;
  BMSG_TRY_ASSIGN(const auto items, box.list(filter, kInvitationsMax));
  std::vector<std::string> lines;
  for (const mail::MailItem& item : items) {
    const auto granter = item.summary.identity();
    if (!granter) continue;
    lines.push_back(
        fmt::format("an invitation to the room '{}' waits: 'bmsg contact add NAME {}' accepts it",
                    shown_line(item.summary.subject), to_address(*granter)));
  }
  return lines;
}

}  // namespace bmsg::cli
