// RocksStore's answers about messages: in blocks, by id, and in the pool.

#include <algorithm>
#include <set>
#include <unordered_set>

#include "lib/chain/block_hash.h"
#include "lib/core/check.h"
#include "lib/core/try.h"
#include "storage/chain_records.h"
#include "storage/database.h"
#include "storage/rocks_store.h"
#include "storage/schema.h"

namespace bmsg::storage {
namespace {

using Next = View::Next;

constexpr std::size_t kPrefixBytesMin = 4;

Message without_body(TableEntry entry) {
  return {.head = std::move(entry.head), .nonce = entry.nonce, .body = {}};
}

/// The messages of a block as its table has them, and which of them have a body.
struct Listed {
  std::vector<Message> messages;
  std::vector<std::uint32_t> kept;
};

Result<Listed> read_listed(const View& view, const FoundBlock& block) {
  BMSG_TRY_ASSIGN(auto entries, read_table(view, block));
  Listed listed;
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    if (entries[i].has_body) listed.kept.push_back(i);
    listed.messages.push_back(without_body(std::move(entries[i])));
  }
  return listed;
}

/// All bodies lie side by side: one walk.
Result<Done> read_all_bodies(const View& view, std::uint64_t no, Listed& listed) {
  std::size_t found = 0;
  const auto visit = [&](ByteView at, ByteView value) -> Result<Next> {
    const bool expected =
        found < listed.kept.size() && std::ranges::equal(at, body_key(no, listed.kept[found]));
    if (!expected) return malformed("body's place");
    Message& message = listed.messages[listed.kept[found++]];
    BMSG_TRY(check_body(value, message.head));
    message.body = to_bytes(value);
    return Next::go_on;
  };
  BMSG_TRY(view.scan(key(Kind::body, no), visit));
  if (found != listed.kept.size()) return Error{Errc::corrupt, "a stored body is missing"};
  return done;
}

/// Charters travel with their bodies always.
Result<Done> read_charters(const View& view, std::uint64_t no, Listed& listed) {
  for (const std::uint32_t index : listed.kept) {
    Message& message = listed.messages[index];
    if (message.head.suite != Suite::charter) continue;
    BMSG_TRY_ASSIGN(message.body, read_body(view, no, index, message.head));
  }
  return done;
}

/// The ids of a part of a message table, which begins with that place.
Result<std::vector<MessageId>> read_part_ids(const View& view, const PlaceRecord& first) {
  BMSG_TRY_ASSIGN(const auto table, view.get(table_key(first.no, first.index / kTableEntries)));
  if (!table) return malformed("message table");
  TableReader reader(*table);
  std::vector<MessageId> ids;
  for (;;) {
    BMSG_TRY_ASSIGN(const auto entry, reader.next());
    if (!entry) return ids;
    ids.push_back(chain::id_of(entry->head));
  }
}

bool begins_with(const MessageId& id, ByteView prefix) {
  return std::ranges::equal(id.view().first(prefix.size()), prefix);
}

/// Adds up to `max` ids of the best chain.
Result<Done> find_mined(const View& view, ByteView prefix, std::size_t max,
                        std::set<MessageId>& found) {
  const auto known = prefix.first(std::min(prefix.size(), kPlacesIdBytes));
  return view.scan(key(Kind::places, known), [&](ByteView, ByteView value) -> Result<Next> {
    BMSG_TRY_ASSIGN(const auto places, decode_places(value));
    for (const PlaceRecord& place : places) {
      BMSG_TRY_ASSIGN(const auto at, read_message_at(view, place));
      const bool mined = at.place.branch == node::Branch::main;
      if (mined && begins_with(at.id, prefix)) found.insert(at.id);
    }
    return found.size() < max ? Next::go_on : Next::stop;
  });
}

Result<Done> find_pooled(const View& view, ByteView prefix, std::size_t max,
                         std::set<MessageId>& found) {
  std::size_t seen = 0;
  return view.scan(key(Kind::pooled_id, prefix), [&](ByteView at, ByteView) -> Result<Next> {
    BMSG_TRY_ASSIGN(const auto id, decode_fixed<MessageId>(at.subspan(1)));
    found.insert(id);
    return ++seen < max ? Next::go_on : Next::stop;
  });
}

/// Whether nothing has come since the one before `arrival`. The counter is at hand, for it changes
/// with each that comes; looking for them where none are goes into tables of every age.
Result<bool> is_past_all(const View& view, std::uint64_t arrival) {
  BMSG_TRY_ASSIGN(const auto value, view.get(key(Kind::meta, "next")));
  if (!value) return false;
  BMSG_TRY_ASSIGN(const Counters next, decode_counters(*value));
  return next.arrival <= std::max(arrival, Counters().arrival);
}

Result<node::PooledMessage> pooled_of(ByteView value, std::uint64_t arrival) {
  BMSG_TRY_ASSIGN(auto pooled, decode_pooled(value));
  pooled.id = chain::id_of(pooled.message.head);
  pooled.arrival = arrival;
  return pooled;
}

}  // namespace

Result<std::optional<Block>> RocksStore::block(const BlockHash& hash, Bodies bodies) const {
  const View view = database_->view();
  BMSG_TRY_ASSIGN(auto found, find_block(view, hash));
  if (!found) return std::optional<Block>();
  BMSG_TRY_ASSIGN(auto listed, read_listed(view, *found));
  const std::uint64_t no = found->record.no;
  BMSG_TRY(bodies == Bodies::with ? read_all_bodies(view, no, listed)
                                  : read_charters(view, no, listed));
  SealedHeader& sealed = found->record.sealed;
  return std::optional(Block{sealed.header, std::move(sealed.seal), std::move(listed.messages)});
}

Result<std::vector<node::MessagePlace>> RocksStore::places_of(const MessageId& id) const {
  const View view = database_->view();
  BMSG_TRY_ASSIGN(const auto records, read_places(view, places_key(id)));
  std::vector<node::MessagePlace> places;
  for (const PlaceRecord& record : records) {
    BMSG_TRY_ASSIGN(const auto at, read_message_at(view, record));
    if (at.id == id) places.push_back(at.place);
  }
  // The best chain first, as a reader wants it.
  std::ranges::stable_sort(places, std::ranges::greater{}, &node::MessagePlace::branch);
  return places;
}

Result<bool> RocksStore::may_hold_any(const std::vector<MessageId>& ids) const {
  std::vector<Bytes> keys;
  keys.reserve(ids.size());
  for (const MessageId& id : ids) keys.push_back(places_key(id));
  return database_->view().holds_any(keys);
}

Result<std::optional<Message>> RocksStore::message_at(const node::MessagePlace& place) const {
  const View view = database_->view();
  BMSG_TRY_ASSIGN(const auto block, find_block(view, place.block));
  if (!block) return std::optional<Message>();
  BMSG_TRY_ASSIGN(auto entry, read_entry(view, *block, place.index));
  if (!entry) return std::optional<Message>();
  const bool has_body = entry->has_body;
  Message message = without_body(std::move(*entry));
  if (has_body) {
    BMSG_TRY_ASSIGN(message.body, read_body(view, block->record.no, place.index, message.head));
  }
  return std::optional(std::move(message));
}

Result<std::vector<MessageId>> RocksStore::ids_with_prefix(ByteView prefix, std::size_t max) const {
  check(prefix.size() >= kPrefixBytesMin, "asked for ids by too short a prefix");
  if (prefix.size() > MessageId::kSize || max == 0) return std::vector<MessageId>();
  const View view = database_->view();
  std::set<MessageId> found;
  BMSG_TRY(find_mined(view, prefix, max, found));
  BMSG_TRY(find_pooled(view, prefix, max, found));
  std::vector<MessageId> ids(found.begin(), found.end());
  if (ids.size() > max) ids.resize(max);
  return ids;
}

Result<std::vector<node::DroppedBody>> RocksStore::dropped() const {
  const View view = database_->view();
  std::unordered_set<MessageId, FixedBytesHash> seen;
  std::vector<node::DroppedBody> all;
  std::optional<PlaceRecord> known;  // The first place of the part whose ids these are.
  std::vector<MessageId> ids;
  const auto visit = [&](ByteView at, ByteView value) -> Result<Next> {
    BMSG_TRY_ASSIGN(const auto places, decode_places(at.subspan(1)));  // A place is written so.
    if (places.size() != 1) return malformed("list of dropped bodies");
    const PlaceRecord& place = places.front();
    const PlaceRecord first{place.no, place.index / kTableEntries * kTableEntries};
    if (known != first) {
      BMSG_TRY_ASSIGN(ids, read_part_ids(view, first));
      known = first;
    }
    BMSG_TRY_ASSIGN(auto dropped, decode_dropped(value));
    if (place.index - first.index >= ids.size()) return malformed("list of dropped bodies");
    dropped.id = ids[place.index - first.index];
    if (seen.insert(dropped.id).second) all.push_back(dropped);
    return Next::go_on;
  };
  BMSG_TRY(view.scan(key(Kind::dropped), visit));
  return all;
}

Result<std::optional<node::DroppedBody>> RocksStore::dropped(const MessageId& id) const {
  const View view = database_->view();
  BMSG_TRY_ASSIGN(const auto records, read_places(view, places_key(id)));
  for (const PlaceRecord& record : records) {
    BMSG_TRY_ASSIGN(const auto value, view.get(dropped_key(record.no, record.index)));
    if (!value) continue;
    BMSG_TRY_ASSIGN(const auto at, read_message_at(view, record));
    if (at.id != id) continue;  // It begins with the same bytes.
    BMSG_TRY_ASSIGN(auto dropped, decode_dropped(*value));
    dropped.id = id;
    return std::optional(dropped);
  }
  return std::optional<node::DroppedBody>();
}

Result<std::vector<node::PooledMessage>> RocksStore::pool(std::uint64_t arrival) const {
  std::vector<node::PooledMessage> pool;
  const auto visit = [&](ByteView at, ByteView value) -> Result<Next> {
    BMSG_TRY_ASSIGN(const auto number, decode_number(at.subspan(1)));
    BMSG_TRY_ASSIGN(auto pooled, pooled_of(value, number));
    pool.push_back(std::move(pooled));
    return Next::go_on;
  };
  const View view = database_->view();
  BMSG_TRY_ASSIGN(const bool none, is_past_all(view, arrival));
  if (none) return pool;
  BMSG_TRY(view.scan(key(Kind::pooled), key(Kind::pooled, arrival), View::Direction::up, visit));
  return pool;
}

Result<std::optional<node::PooledMessage>> RocksStore::pooled(const MessageId& id) const {
  const View view = database_->view();
  BMSG_TRY_ASSIGN(const auto by_id, view.get(key(Kind::pooled_id, id.view())));
  if (!by_id) return std::optional<node::PooledMessage>();
  BMSG_TRY_ASSIGN(const auto arrival, decode_number(*by_id));
  BMSG_TRY_ASSIGN(const auto value, view.get(key(Kind::pooled, arrival)));
  if (!value) return malformed("waiting message");
  BMSG_TRY_ASSIGN(auto pooled, pooled_of(*value, arrival));
  if (pooled.id != id) return malformed("waiting message");
  return std::optional(std::move(pooled));
}

Result<std::vector<MessageId>> RocksStore::wanted() const {
  std::vector<MessageId> ids;
  const View view = database_->view();
  BMSG_TRY(view.scan(key(Kind::wanted), [&](ByteView at, ByteView) -> Result<Next> {
    BMSG_TRY_ASSIGN(const auto id, decode_fixed<MessageId>(at.subspan(1)));
    ids.push_back(id);
    return Next::go_on;
  }));
  return ids;
}

Result<std::vector<node::Completion>> RocksStore::completed(std::uint64_t arrival) const {
  std::vector<node::Completion> all;
  const auto visit = [&](ByteView at, ByteView value) -> Result<Next> {
    BMSG_TRY_ASSIGN(const auto number, decode_number(at.subspan(1)));
    BMSG_TRY_ASSIGN(const auto id, decode_fixed<MessageId>(value));
    all.push_back({number, id});
    return Next::go_on;
  };
  const View view = database_->view();
  BMSG_TRY_ASSIGN(const bool none, is_past_all(view, arrival));
  if (none) return all;
  BMSG_TRY(
      view.scan(key(Kind::completed), key(Kind::completed, arrival), View::Direction::up, visit));
  return all;
}

}  // namespace bmsg::storage
