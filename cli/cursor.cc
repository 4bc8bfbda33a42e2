#include "cli/cursor.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <tuple>

#include "cli/block_range.h"
#include "cli/listing.h"
#include "cli/times.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/absent.h"

namespace bmsg::cli {
namespace {

constexpr std::string_view kLockPrefix = "reader.";

Result<FileLock> take_reader_lock(Context& context, const StoreDir& store,
                                  const std::string& name) {
  BMSG_TRY(context.disk.make_directory(store.run()));
  BMSG_TRY_ASSIGN(auto lock, FileLock::try_take(store.reader_lock(name), context.command));
  if (lock) return std::move(*lock);
  return Error{
      Errc::locked,
      fmt::format("reader '{}' is in use by {}", name, FileLock::holder(store.reader_lock(name))),
      "one process delivers to a reader; give another --cursor NAME, or end that one"};
}

/// The place below the first block that is not older.
Result<mail::ReaderPlace> place_at_time(const node::ChainReader& chain, UnixSeconds time) {
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  BMSG_TRY_ASSIGN(auto place, mail::first_place(chain));
  const auto visit = [&](const node::StoredHeader& stored) -> Result<bool> {
    const Header& header = stored.sealed.header;
    if (header.time >= time || header.height.value == 0) return true;
    place = {header.height, stored.hash, header.count};
    return false;
  };
  BMSG_TRY(visit_headers(chain, {0, tip.height.value}, Order::newest_first, visit));
  return place;
}

/// The place behind a message.
Result<mail::ReaderPlace> place_behind(const node::ChainReader& chain, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  const auto place = std::ranges::find(places, node::Branch::main, &node::MessagePlace::branch);
  if (place == places.end()) {
    return Error{Errc::not_found, fmt::format("message {} is in no block yet", to_hex(id.view()))};
  }
  return mail::ReaderPlace{place->height, place->block, place->index + 1};
}

bool is_below(const node::MessagePlace& message, const mail::ReaderPlace& place) {
  return std::tie(message.height, message.index) < std::tie(place.height, place.index);
}

/// Whether a list of the inbox shows it.
Result<bool> is_listed(const Mailroom& room, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto item, room.box().item(id));
  return item && item->summary.direction == mail::Direction::in && mail::is_text(item->summary);
}

/// Moves a reader over all that is handled or nothing to be listed. What waits for its body is
/// noted in `change`.
Result<mail::Reader> moved_over_handled(const Mailroom& room, const std::string& name,
                                        mail::Reader reader, const mail::MailReader& index,
                                        mail::MailChange& change) {
  mail::ReaderWish wish;
  wish.events_max = 1;
  wish.wants = [&](const MessageId& id) -> Result<bool> {
    BMSG_TRY_ASSIGN(const bool handled, mail::is_handled(index, name, id));
    BMSG_TRY_ASSIGN(const bool absent, mail::is_absent(index, id));
    if (absent && !handled) mail::set_late(change, name, id);
    return handled ? Result<bool>(false) : is_listed(room, id);
  };
  for (;;) {
    BMSG_TRY_ASSIGN(const auto look, mail::look_ahead(room.chain(), reader, wish));
    reader.place = look.place;
    if (look.events.empty() && look.more) continue;
    if (!look.events.empty()) {
      reader.place = look.events.front().after;
      --reader.place.index;  // In front of it.
    }
    return reader;
  }
}

}  // namespace

Result<Done> check_reader_name(const std::string& name) {
  if (mail::is_reader_name(name)) return done;
  return Error{Errc::bad_usage,
               fmt::format("'{}' is no name of a reader: letters, digits, '.', '_' and '-'", name)};
}

Result<std::optional<FileLock>> take_reader(Context& context, const StoreDir& store,
                                            const std::string& name) {
  if (name.empty()) return std::optional<FileLock>();
  BMSG_TRY(check_reader_name(name));
  BMSG_TRY_ASSIGN(auto lock, take_reader_lock(context, store, name));
  return std::optional(std::move(lock));
}

Result<std::unique_ptr<Cursor>> Cursor::open(Context& context, const StoreDir& store,
                                             const WatchedStore& watched, const std::string& name,
                                             std::optional<FileLock> lock,
                                             const std::string& since) {
  check(lock.has_value() != name.empty(), "a reader is delivered to by whoever holds its lock");
  std::unique_ptr<Cursor> cursor(new Cursor(context, store, watched, name));
  cursor->lock_ = std::move(lock);
  if (!name.empty()) {
    BMSG_TRY_ASSIGN(const auto found, mail::find_reader(watched.index(), name));
    if (found) {
      cursor->reader_ = *found;
      return cursor;
    }
  }
  BMSG_TRY(cursor->begin(since));
  return cursor;
}

/// What a new reader begins with is durable before anything is delivered to it: "now" is now, not
/// when the next watch starts.
Result<Done> Cursor::begin(const std::string& since) {
  BMSG_TRY_ASSIGN(const auto place, place_of(since));
  BMSG_TRY_ASSIGN(reader_,
                  mail::begin_reader(watched_.chain(), watched_.index(), name_, place, unsaved_));
  BMSG_TRY(own_.apply(unsaved_));
  return save();
}

Result<mail::ReaderPlace> Cursor::place_of(const std::string& since) const {
  const node::ChainReader& chain = watched_.chain();
  if (since.empty() || since == "now") return mail::last_place(chain);
  if (since == "all") return mail::first_place(chain);
  if (const auto time = parse_time(since, context_.clock.now())) {
    return place_at_time(chain, time.value());
  }
  const Error unknown{Errc::bad_usage,
                      fmt::format("--since {}: give a time, a message, all or now", since)};
  if (watched_.room() == nullptr) return unknown;
  BMSG_TRY_ASSIGN(const auto ref, listed_ref(context_, store_, since));
  const auto id = watched_.room()->find(ref);
  if (!id) return id.error().code == Errc::bad_usage ? unknown : id.error();
  return place_behind(chain, id.value());
}

Result<bool> Cursor::has_handled(const MessageId& id) const {
  BMSG_TRY_ASSIGN(const bool here, mail::is_handled(own_, name_, id));
  return here || name_.empty() ? Result<bool>(here) : mail::is_handled(watched_.index(), name_, id);
}

Result<std::vector<mail::Parked>> Cursor::parked() const {
  return mail::parked_of(watched_.index(), name_);
}

void Cursor::handled(const mail::ReaderEvent& event) {
  if (event.message) mail::set_handled(unsaved_, name_, *event.message);
  move(event.after);
}

void Cursor::park(const mail::ReaderEvent& event) {
  mail::set_parked(unsaved_, name_, {*event.message, event.after.height, event.after.index});
  move(event.after);
}

void Cursor::move(const mail::ReaderPlace& place) {
  if (place != reader_.place) {
    reader_.place = place;
    mail::set_reader(unsaved_, name_, reader_);
  }
  (void)own_.apply(unsaved_);  // In memory, where nothing fails.
}

void Cursor::expect(const MessageId& id) {
  mail::set_late(unsaved_, name_, id);
  own_late_[id] = true;
}

void Cursor::settle_late(const MessageId& id) {
  mail::clear_late(unsaved_, name_, id);
  own_late_[id] = false;
}

/// What was saved when the index was read, and what this process has changed of it since.
Result<std::vector<MessageId>> Cursor::late() const {
  std::set<MessageId> late;
  if (!name_.empty()) {
    BMSG_TRY_ASSIGN(const auto saved, mail::late_for(watched_.index(), name_));
    late.insert(saved.begin(), saved.end());
  }
  for (const auto& [id, is_late] : own_late_) {
    if (is_late)
      late.insert(id);
    else
      late.erase(id);
  }
  return std::vector<MessageId>(late.begin(), late.end());
}

Result<Done> Cursor::save() {
  if (!unsaved_.values.empty() && !name_.empty()) {
    BMSG_TRY(change_index(context_, store_, unsaved_));
  }
  unsaved_ = {};
  return done;
}

std::vector<std::string> cursor_names(const Context& context, const StoreDir& store) {
  std::vector<std::string> names;
  const auto files = context.disk.list(store.run());
  if (!files) return names;
  for (const std::string& file : files.value()) {
    if (!file.starts_with(kLockPrefix)) continue;
    const std::string name = file.substr(kLockPrefix.size());
    if (mail::is_reader_name(name)) names.push_back(name);
  }
  return names;
}

Result<std::vector<mail::MailItem>> not_handled(const Mailroom& room, const std::string& name,
                                                std::vector<mail::MailItem> items) {
  BMSG_TRY(check_reader_name(name));
  BMSG_TRY_ASSIGN(const auto reader, mail::find_reader(room.index(), name));
  std::optional<mail::ReaderPlace> place;
  if (reader) {
    BMSG_TRY_ASSIGN(const auto settled, mail::settle(room.chain(), *reader));
    place = settled.place;
  }
  BMSG_TRY_ASSIGN(const auto parked, mail::parked_of(room.index(), name));
  std::set<MessageId> waiting;
  for (const mail::Parked& one : parked) waiting.insert(one.id);
  BMSG_TRY_ASSIGN(const auto late, mail::late_for(room.index(), name));
  waiting.insert(late.begin(), late.end());
  std::vector<mail::MailItem> left;
  for (mail::MailItem& item : items) {
    BMSG_TRY_ASSIGN(const bool handled, mail::is_handled(room.index(), name, item.id));
    const bool passed = handled || (place && item.block && is_below(*item.block, *place));
    BMSG_TRY_ASSIGN(const auto approvals, room.approvals(item));
    if (approvals && !approvals->enough()) continue;
    if (!passed || waiting.contains(item.id)) left.push_back(std::move(item));
  }
  return left;
}

Result<Done> handle_by_hand(Context& context, const StoreDir& store, const Mailroom& room,
                            const std::string& name, const std::vector<MessageId>& ids) {
  BMSG_TRY(check_reader_name(name));
  BMSG_TRY_ASSIGN(auto reader, mail::find_reader(room.index(), name));
  const auto lock = take_reader_lock(context, store, name);
  if (!lock && lock.error().code != Errc::locked) return lock.error();
  mail::MailChange change;
  if (!reader && lock) {  // Else somebody has made it just now.
    BMSG_TRY_ASSIGN(const auto first, mail::first_place(room.chain()));
    BMSG_TRY_ASSIGN(reader, mail::begin_reader(room.chain(), room.index(), name, first, change));
  }
  for (const MessageId& id : ids) {
    mail::set_handled(change, name, id);
    mail::clear_late(change, name, id);
  }
  if (reader && lock) {
    mail::MailOverlay after(room.index());
    after.add(change);
    BMSG_TRY_ASSIGN(const auto moved, moved_over_handled(room, name, *reader, after, change));
    if (moved != *reader) mail::set_reader(change, name, moved);
  }
  return change_index(context, store, change);
}

}  // namespace bmsg::cli
