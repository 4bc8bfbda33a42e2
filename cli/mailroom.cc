#include "cli/mailroom.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/forget_asking.h"
#include "cli/meanwhile.h"
#include "cli/own_cards.h"
#include "cli/post_receive.h"
#include "cli/progress.h"
#include "cli/refs.h"
#include "cli/release.h"
#include "cli/room_grants.h"
#include "cli/session.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/absent.h"
#include "lib/mail/card_directory.h"
#include "lib/mail/received.h"
#include "lib/node/rules_book.h"
#include "storage/rocks_mail_store.h"
#include "storage/rocks_store.h"

namespace bmsg::cli {
namespace {

/// How long reading waits for somebody who writes the index: it can do without.
constexpr std::chrono::milliseconds kMailPatience{500};

Result<bool> has_body(const node::ChainReader& chain, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  if (places.empty()) return false;
  BMSG_TRY_ASSIGN(const auto message, chain.message_at(places.front()));
  return message && message->body;
}

/// The databases of a look, opened while the keys are unlocked: each of the two takes about as
/// long.
struct Databases {
  std::unique_ptr<mail::MailReader> index;
  std::unique_ptr<node::ChainReader> chain;
};

/// In the order of Mailroom::reopen(), which tries again what fails, and tells it.
Result<Databases> open_both(const std::filesystem::path& index_place,
                            const std::filesystem::path& chain_place,
                            const storage::OpenOptions& chain_options) {
  Databases both;
  BMSG_TRY_ASSIGN(both.index, storage::RocksMailStore::open_read_only(
                                  index_place, {.disk = chain_options.disk}));
  BMSG_TRY_ASSIGN(both.chain, storage::RocksStore::open_read_only(chain_place, chain_options));
  return both;
}

Error not_entered(const MessageId& id) {
  return {Errc::try_again,
          fmt::format("message {} is not in the index yet: somebody else is writing it",
                      to_hex(id.view()))};
}

}  // namespace

Mailroom::Mailroom(Context& context, StoreDir store, const ChainId& chain)
    : context_(context),
      store_(std::move(store)),
      outbox_(context.disk, store_.outbox()),
      cards_(context.disk, store_.cards(), chain) {}

Result<std::unique_ptr<Mailroom>> Mailroom::open(Context& context, const StoreDir& store) {
  return open_with(context, store, std::nullopt);
}

Result<std::unique_ptr<Mailroom>> Mailroom::open(Context& context, const StoreDir& store,
                                                 OpenKeyring keyring) {
  return open_with(context, store, std::move(keyring));
}

Result<std::unique_ptr<Mailroom>> Mailroom::open_with(Context& context, const StoreDir& store,
                                                      std::optional<OpenKeyring> keyring) {
  BMSG_TRY_ASSIGN(auto rules, rules_now(context, store));
  std::unique_ptr<Mailroom> room(new Mailroom(context, store, rules.id));
  room->rules_ = std::move(rules);
  // Before it is read: whatever is written from here on is noticed.
  std::error_code unknown;
  room->keyring_written_ = std::filesystem::last_write_time(store.keyring(), unknown);
  Meanwhile<Databases> opening(
      [index = store.mail(), chain = store.chain(), options = chain_options(context, store)] {
        return open_both(index, chain, options);
      });
  const auto began = context.clock.steady();
  if (keyring) {
    room->keyring_ = std::move(*keyring);
  } else {
    BMSG_TRY_ASSIGN(room->keyring_, unlock_keyring(context, store));
  }
  // Whoever typed a passphrase wants to see what is there now.
  const bool is_fresh = context.clock.steady() - began < kMailPatience;
  const auto mended = mend_own_cards(context, store, room->rules_, room->keyring_);
  if (!mended) context.out.warn("an own card stays as it is: " + mended.error().message);
  room->keys_ = mail::mail_keys(room->keyring_.keyring, room->rules_.id);
  const auto released = release_held(context, store, room->rules_, room->keyring_.keyring);
  if (!released) context.out.warn("held messages stay held: " + released.error().message);
  const auto granted = send_owed_grants(context, store, room->rules_, room->keyring_);
  if (!granted) context.out.warn("grants of rooms wait: " + granted.error().message);
  BMSG_TRY_ASSIGN(room->queues_received_, queues_received(context, store));
  if (auto opened = opening.take(); opened && is_fresh) {
    room->mail_ = std::move(opened.value().index);
    room->chain_ = std::move(opened.value().chain);
  }
  BMSG_TRY(room->refresh());
  return room;
}

Result<Done> Mailroom::refresh() {
  has_looked_for_cards_ = false;
  BMSG_TRY_ASSIGN(contacts_, read_contacts(context_, store_));
  BMSG_TRY_ASSIGN(policies_, read_policies(context_, store_));
  BMSG_TRY(reopen_and_scan());
  if (chain_->is_light()) BMSG_TRY(want_absent());
  const auto settled = settle_own_cards(context_, store_, rules_, *chain_, *mail_, keyring_);
  // Where nothing can be written, reading goes on as if nothing had been due.
  if (!settled && settled.error().code == Errc::io)
    context_.out.detail("own keys stay as they are: " + settled.error().message);
  else if (!settled)
    context_.out.warn("own keys stay as they are: " + settled.error().message);
  box_ = std::make_unique<mail::Mailbox>(*chain_, *overlay_, keys_, outbox_);
  const auto rooms = settle_rooms();
  if (!rooms) context_.out.warn("rooms stay as they are: " + rooms.error().message);
  BMSG_TRY(forget_asked());
  marks_ = std::make_unique<mail::RevocationMarks>(cards_, *chain_);
  tell_received(context_, store_, *this);
  return done;
}

/// What its author asks to forget is not shown once more.
Result<Done> Mailroom::forget_asked() {
  const auto forgot = honour_sealed(context_, store_, cards_, *box_, keys_, *overlay_, *chain_);
  if (!forgot) context_.out.warn("requests to forget wait: " + forgot.error().message);
  if (!forgot || !forgot.value()) return done;
  const auto again = reopen_and_scan();
  box_ = std::make_unique<mail::Mailbox>(*chain_, *overlay_, keys_, outbox_);  // In any case.
  return again;
}

/// What another command did to the keyring since: a prekey or a room that it made is read here
/// too. To be asked before blocks are searched that may hold what is sealed to it.
Result<Done> Mailroom::reread_keyring() {
  std::error_code unknown;  // Then it is read when it can be looked at.
  const auto written = std::filesystem::last_write_time(store_.keyring(), unknown);
  if (unknown || written == keyring_written_) return done;
  keyring_written_ = written;
  BMSG_TRY_ASSIGN(keyring_, reopen_keyring(context_, store_, keyring_.passphrase.clone()));
  keys_ = mail::mail_keys(keyring_.keyring, rules_.id);
  return done;
}

/// Grants that came open the past of their rooms: the scan goes through it for them.
Result<Done> Mailroom::settle_rooms() {
  mail::RevocationMarks marks(cards_, *chain_);
  BMSG_TRY_ASSIGN(const bool taken,
                  take_grants(context_, store_, *box_, *overlay_, contacts_, marks, keyring_));
  BMSG_TRY(name_rooms(context_, store_, keyring_.keyring, contacts_));
  BMSG_TRY(drop_old_room_keys(context_, store_, rules_, keyring_));
  if (!taken) return done;
  keys_ = mail::mail_keys(keyring_.keyring, rules_.id);
  const auto again = reopen_and_scan();
  box_ = std::make_unique<mail::Mailbox>(*chain_, *overlay_, keys_, outbox_);  // In any case.
  return again;
}

Result<Done> Mailroom::reopen_and_scan() {
  BMSG_TRY(reopen());
  return scan();
}

Result<Done> Mailroom::reopen() {
  BMSG_TRY(reread_keyring());
  const bool is_there = !overlay_ && mail_ && chain_;  // From open(), before the keyring was read.
  if (!is_there) {
    BMSG_TRY_ASSIGN(mail_, open_index(context_, store_));
  }
  overlay_ = std::make_unique<mail::MailOverlay>(*mail_);
  // After the index, or it might speak of a block that this chain does not have yet, and the whole
  // chain would be searched again.
  if (!is_there) {
    BMSG_TRY_ASSIGN(chain_, open_chain(context_, store_));
  }
  // A charter may have come meanwhile.
  if (rules_.rules.mode == chain::Mode::pow) return done;
  BMSG_TRY_ASSIGN(rules_, node::rules_at_tip(*chain_));
  return done;
}

Result<Done> Mailroom::scan() {
  const mail::ScanOptions options{.limits = {},
                                  .burial_depth = mail::burial_depth(rules_.rules.mode),
                                  .threads = threads_for(0)};
  Progress shown(context_);
  for (bool in_memory = false;;) {
    BMSG_TRY_ASSIGN(const auto found,
                    mail::scan(*chain_, *overlay_, keys_, outbox_, context_.entropy, options));
    if (mail::changes_nothing(found)) return done;
    Applied applied = Applied::busy;
    if (!in_memory) {
      BMSG_TRY_ASSIGN(applied, try_apply(found));
    }
    if (applied == Applied::overtaken) continue;
    // From here on nothing is written: what was not applied would be missing below what is.
    in_memory = in_memory || applied == Applied::busy;
    if (in_memory) overlay_->add(found.change);
    BMSG_TRY_ASSIGN(const auto tip, chain_->tip());
    // What is looked at is the chain as it was opened after that: a reader who passed a block of it
    // that was not scanned would not be given what is ours there, ever.
    const bool is_scanned = applied != Applied::written ||
                            (found.change.position && found.change.position->hash == tip.hash);
    if (!found.more && is_scanned) return done;
    const std::uint64_t scanned = found.change.position ? found.change.position->height.value : 0;
    shown.count_blocks("scan", scanned, tip.height.value);
  }
}

Result<Done> Mailroom::want(const std::vector<MessageId>& ids) {
  BMSG_TRY_ASSIGN(const auto all,
                  mail::Decoys(*chain_, context_.entropy, context_.clock.now()).among(ids));
  BMSG_TRY_ASSIGN(const auto session, open_node(context_, store_));
  return session->service().want_bodies(all);
}

/// Has the bodies of what was found asked for, among others. What cannot be noted now is noted by
/// the next command: the index knows that they are absent.
Result<Done> Mailroom::want_absent() {
  BMSG_TRY_ASSIGN(const auto absent, mail::absent_in(*overlay_));
  absent_ = absent.size();
  BMSG_TRY_ASSIGN(const auto wanted, chain_->wanted());
  std::vector<MessageId> unasked;
  std::ranges::set_difference(absent, wanted, std::back_inserter(unasked));
  std::vector<MessageId> fresh;
  for (const MessageId& id : unasked) {
    // What has come is entered by the scan; others that are asked for with it would tell of it.
    BMSG_TRY_ASSIGN(const bool here, has_body(*chain_, id));
    if (!here) fresh.push_back(id);
  }
  if (fresh.empty()) return done;
  const auto noted = want(fresh);
  if (!noted) context_.out.warn("what is missing is not asked for yet: " + noted.error().message);
  return done;
}

Result<bool> Mailroom::apply(mail::MailStore& index, const mail::ScanResult& found) {
  if (!queues_received_) return mail::apply_scan(index, outbox_, found);
  mail::ScanResult queued = found;
  BMSG_TRY(mail::queue_received(index, queued.change));
  return mail::apply_scan(index, outbox_, queued);
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
    const auto applied = apply(*index.value(), found);
    if (!applied && applied.error().code == Errc::io) return Applied::busy;
    if (!applied) return applied.error();
    if (!applied.value()) outcome = Applied::overtaken;
  }
  BMSG_TRY(reopen());
  return outcome;
}

Result<MessageId> Mailroom::find(const std::string& ref) const {
  return find_message(chain(), index(), box(), ref);
}

std::string Mailroom::name_of(const IdentityKey& address) const {
  if (const mail::Contact* contact = contacts_.by_address(address)) return contact->name;
  for (const mail::OwnIdentity& own : keys_.own) {
    if (own.address == address) return own.name.empty() ? "me" : own.name;
  }
  return {};
}

bool Mailroom::is_after_revocation(const mail::MailItem& item) const {
  const auto found = marks_->is_after(item);
  if (!found) context_.out.warn("revocations are not known: " + found.error().message);
  return found && found.value();
}

Result<std::optional<mail::Approvals>> Mailroom::approvals(const mail::MailItem& item) const {
  const mail::Policy* policy = mail::policy_for(policies_, item.summary);
  if (policy == nullptr || !mail::is_text(item.summary)) return std::optional<mail::Approvals>();
  const mail::ApprovalCount count(*box_, *overlay_, keys_.mailbox_key, *marks_);
  BMSG_TRY_ASSIGN(auto found, count.of(item, policy->quorum, approvals_from_));
  return std::optional(std::move(found));
}

std::optional<mail::Approvals> Mailroom::approvals_shown(const mail::MailItem& item) const {
  auto found = approvals(item);
  if (found) return std::move(found).value();
  context_.out.warn("signatures cannot be counted: " + found.error().message);
  return mail::Approvals{.have = 0, .needed = 1};
}

std::string Mailroom::claimed_name(const IdentityKey& address) const {
  mail::CardDirectory cards(context_.disk, store_.cards(), rules_.id);
  auto newest = cards.cards_of(address);
  if (newest && newest.value().cards.empty() && !has_looked_for_cards_) {
    // A node files cards a moment after it has taken a block; without one there is no name.
    has_looked_for_cards_ = true;
    if (collect_cards(context_, store_, cards)) newest = cards.cards_of(address);
  }
  return newest && !newest.value().cards.empty() ? newest.value().cards.front().name
                                                 : std::string();
}

Result<std::unique_ptr<mail::MailReader>> open_index(Context& context, const StoreDir& store) {
  const storage::OpenOptions options{.disk = context.disk};
  auto opened = storage::RocksMailStore::open_read_only(store.mail(), options);
  std::optional<FileLock> lock;
  if (!opened && opened.error().code == Errc::try_again) {
    BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
    BMSG_TRY_ASSIGN(lock,
                    FileLock::take(store.mail_lock(), context.command, patience, context.clock));
    opened = storage::RocksMailStore::open_read_only(store.mail(), options);
  }
  if (!opened) return opened.error();
  return std::unique_ptr<mail::MailReader>(std::move(opened).value());
}

Result<Done> change_index(Context& context, const StoreDir& store, const mail::MailChange& change) {
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store.mail_lock(), context.command, patience, context.clock));
  const storage::OpenOptions options{.disk = context.disk};
  BMSG_TRY_ASSIGN(const auto index, storage::RocksMailStore::open(store.mail(), options));
  return index->apply(change);
}

Result<std::vector<Flagged>> change_flags(Context& context, const StoreDir& store,
                                          const std::vector<MessageId>& ids,
                                          const mail::FlagChange& change) {
  BMSG_TRY_ASSIGN(const auto patience, context.lock_patience(&store));
  BMSG_TRY_ASSIGN(const auto lock,
                  FileLock::take(store.mail_lock(), context.command, patience, context.clock));
  const storage::OpenOptions options{.disk = context.disk};
  BMSG_TRY_ASSIGN(const auto index, storage::RocksMailStore::open(store.mail(), options));
  std::vector<Flagged> changed;
  mail::MailChange batch;
  for (const MessageId& id : ids) {
    BMSG_TRY_ASSIGN(const auto entry, index->entry(id));
    if (!entry) return not_entered(id);
    BMSG_TRY_ASSIGN(const auto before, index->flags(id));
    mail::Flags after = change.applied_to(before);
    if (after == before || !batch.flags.emplace(id, after).second) continue;
    changed.push_back({id, std::move(after)});
  }
  if (!changed.empty()) BMSG_TRY(index->apply(batch));
  return changed;
}

}  // namespace bmsg::cli
