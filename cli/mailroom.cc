#include "cli/mailroom.h"

#include "cli/refs.h"
#include "cli/session.h"
#include "lib/core/try.h"
#include "lib/mail/card_directory.h"
#include "storage/rocks_mail_store.h"

namespace bmsg::cli {
namespace {

/// How long reading waits for somebody who writes the index: it can do without.
constexpr std::chrono::milliseconds kMailPatience{500};

bool changes_nothing(const mail::ScanResult& found) {
  return found.change.put.empty() && found.change.flags.empty() &&
         found.change.position == found.from;
}

}  // namespace

Mailroom::Mailroom(Context& context, StoreDir store)
    : context_(context), store_(std::move(store)), outbox_(context.disk, store_.outbox()) {}

Result<std::unique_ptr<Mailroom>> Mailroom::open(Context& context, const StoreDir& store) {
  std::unique_ptr<Mailroom> room(new Mailroom(context, store));
  BMSG_TRY_ASSIGN(room->rules_, read_rules(context, store));
  BMSG_TRY_ASSIGN(room->keyring_, unlock_keyring(context, store));
  room->keys_ = mail::mail_keys(room->keyring_.keyring, room->rules_.id);
  BMSG_TRY_ASSIGN(room->contacts_, read_contacts(context, store));
  BMSG_TRY_ASSIGN(room->chain_, open_chain(context, store));
  BMSG_TRY(room->reopen_index());
  BMSG_TRY(room->scan());
  room->box_ =
      std::make_unique<mail::Mailbox>(*room->chain_, *room->overlay_, room->keys_, room->outbox_);
  return room;
}

Result<Done> Mailroom::reopen_index() {
  const storage::OpenOptions options{.disk = context_.disk};
  BMSG_TRY_ASSIGN(mail_, storage::RocksMailStore::open_read_only(store_.mail(), options));
  overlay_ = std::make_unique<mail::MailOverlay>(*mail_);
  return done;
}

Result<Done> Mailroom::scan() {
  const mail::ScanOptions options{.limits = {},
                                  .burial_depth = mail::burial_depth(rules_.rules.mode)};
  for (bool in_memory = false;;) {
    BMSG_TRY_ASSIGN(const auto found,
                    mail::scan(*chain_, *overlay_, keys_, outbox_, context_.entropy, options));
    if (changes_nothing(found)) return done;
    Applied applied = Applied::busy;
    if (!in_memory) {
      BMSG_TRY_ASSIGN(applied, try_apply(found));
    }
    if (applied == Applied::overtaken) continue;
    // From here on nothing is written: what was not applied would be missing below what is.
    in_memory = in_memory || applied == Applied::busy;
    if (in_memory) overlay_->add(found.change);
    if (!found.more) return done;
  }
}

Result<Mailroom::Applied> Mailroom::try_apply(const mail::ScanResult& found) {
  auto lock = FileLock::take(store_.mail_lock(), context_.command, kMailPatience, context_.clock);
  if (!lock && lock.error().code == Errc::locked) return Applied::busy;
  if (!lock) return lock.error();
  const storage::OpenOptions options{.disk = context_.disk};
  Applied outcome = Applied::written;
  {
    auto index = storage::RocksMailStore::open(store_.mail(), options);
    // A full disk must not keep anybody from reading.
    if (!index && index.error().code == Errc::io) return Applied::busy;
    if (!index) return index.error();
    const auto applied = mail::apply_scan(*index.value(), outbox_, found);
    if (!applied && applied.error().code == Errc::io) return Applied::busy;
    if (!applied) return applied.error();
    if (!applied.value()) outcome = Applied::overtaken;
  }
  BMSG_TRY(reopen_index());
  return outcome;
}

Result<MessageId> Mailroom::find(const std::string& ref) const {
  const auto back = inbox_steps(ref);
  if (!back) return find_message(chain(), &index(), ref);
  mail::ListFilter received;
  received.direction = mail::Direction::in;
  BMSG_TRY_ASSIGN(const auto items, box().list(received, *back + std::size_t{1}));
  if (items.size() <= *back) return no_message_back(ref, items.size());
  return items[*back].id;
}

std::string Mailroom::name_of(const IdentityKey& address) const {
  if (const mail::Contact* contact = contacts_.by_address(address)) return contact->name;
  for (const mail::OwnIdentity& own : keys_.own) {
    if (own.address == address) return own.name.empty() ? "me" : own.name;
  }
  return {};
}

std::string Mailroom::claimed_name(const IdentityKey& address) const {
  const mail::CardDirectory cards(context_.disk, store_.cards(), rules_.id);
  const auto newest = cards.cards_of(address);
  return newest && !newest.value().cards.empty() ? newest.value().cards.front().name
                                                 : std::string();
}

Result<Done> change_flags(Context& context, const StoreDir& store, const mail::MailChange& change) {
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store.mail_lock(), context.command, patience, context.clock));
  const storage::OpenOptions options{.disk = context.disk};
  BMSG_TRY_ASSIGN(const auto index, storage::RocksMailStore::open(store.mail(), options));
  return index->apply(change);
}

}  // namespace bmsg::cli
