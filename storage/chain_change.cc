#include "storage/chain_change.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "lib/chain/block_hash.h"
#include "lib/core/check.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "storage/chain_records.h"
#include "storage/endorsed_records.h"
#include "storage/schema.h"

namespace bmsg::storage {
namespace {

Error misfit(std::string_view what, const BlockHash& block) {
  return Error{Errc::corrupt, fmt::format("the change does not fit the stored chain: {} {}", what,
                                          to_hex(block.view()))};
}

/// Whether the places of messages are written together, and asked for no more.
bool writes_places_once(const node::ChainChange& change) {
  return change.forget.empty() && change.bodies.empty() && change.drop.empty() &&
         std::ranges::all_of(change.added, &node::ChainChange::Added::are_new);
}

/// The batch and what changes once for all of it.
class ChangeWriter {
 public:
  ChangeWriter(Batch& batch, node::Tip tip, Counters counters, const node::ChainChange& change)
      : batch_(batch),
        tip_(tip),
        counters_(counters),
        connects_(change.connect.begin(), change.connect.end()),
        writes_places_once_(writes_places_once(change)) {}

  Result<Done> add(const node::ChainChange::Added& added);
  void put_new_places();
  Result<Done> disconnect(const BlockHash& hash);
  Result<Done> connect(const BlockHash& hash);
  Result<Done> forget(const BlockHash& hash);
  Result<Done> pool_add(const node::PooledMessage& pooled);
  Result<std::size_t> pool_remove(const std::vector<MessageId>& ids, const PoolIds* there);
  Result<Done> complete(const node::ChainChange::LateBody& late);
  Result<Done> want(const MessageId& id);
  Result<Done> unwant(const MessageId& id);
  Result<Done> drop(const std::vector<node::DroppedBody>& all);
  void finish();

 private:
  Result<std::optional<FoundBlock>> find(const BlockHash& hash) const;
  Result<Done> put_new(const node::ChainChange::Added& added);
  void replace(const node::ChainChange::Added& added, FoundBlock stored);
  void put_messages(const node::ChainChange::Added& added, std::uint64_t no);
  Result<Done> put_place(const MessageId& id, const PlaceRecord& place);
  Result<Done> erase_place(const MessageId& id, const PlaceRecord& place);
  Result<bool> put_body(const node::ChainChange::LateBody& late, const PlaceRecord& place);
  using Drops = std::map<std::uint32_t, const node::DroppedBody*>;  // By index.
  Result<Done> drop_of_part(std::uint64_t no, std::uint32_t part, const Drops& drops);
  void set_tip(const BlockHash& hash, const BlockRecord& record);

  Batch& batch_;
  node::Tip tip_;
  Counters counters_;
  std::unordered_set<BlockHash, FixedBytesHash> connects_;  // Blocks that will be connected.
  /// Blocks that this change brings and connects: until then they stand nowhere. Written as side
  /// blocks and erased, each would leave a mark that whoever reads side blocks walks past.
  std::unordered_map<BlockHash, BlockRecord, FixedBytesHash> unplaced_;
  /// Of messages that the database has not. Keys that come in order are written faster.
  std::vector<std::pair<Bytes, PlaceRecord>> new_places_;
  const bool writes_places_once_;
};

std::uint64_t encoded_bytes(const Block& block) {
  std::uint64_t sum = 0;
  for (const Message& message : block.messages) sum += message.head.encoded_bytes();
  return sum;
}

Result<Done> ChangeWriter::add(const node::ChainChange::Added& added) {
  check(added.ids.size() == added.block.messages.size(), "a block with other ids than messages");
  BMSG_TRY_ASSIGN(auto stored, find(added.hash));
  if (!stored) return put_new(added);
  replace(added, std::move(*stored));
  return done;
}

Result<std::optional<FoundBlock>> ChangeWriter::find(const BlockHash& hash) const {
  const auto unplaced = unplaced_.find(hash);
  if (unplaced == unplaced_.end()) return find_block(batch_, hash);
  return std::optional(FoundBlock{hash, unplaced->second, node::Branch::side});
}

Result<Done> ChangeWriter::put_new(const node::ChainChange::Added& added) {
  BMSG_TRY_ASSIGN(const auto parent, find(added.block.header.previous));
  if (!parent) return misfit("no parent for", added.hash);
  const BlockRecord record{.no = counters_.no++,
                           .total_work = added.total_work,
                           .bytes = encoded_bytes(added.block),
                           .sealed = {added.block.header, added.block.seal}};
  if (connects_.contains(added.hash)) {
    unplaced_.emplace(added.hash, record);
  } else {
    batch_.put(key(Kind::side_block, added.hash.view()), encode(record));
  }
  put_messages(added, record.no);
  if (!added.are_new) put_new_places();
  for (std::uint32_t i = 0; i < added.ids.size(); ++i) {
    if (added.are_new) {
      new_places_.emplace_back(places_key(added.ids[i]), PlaceRecord{record.no, i});
    } else {
      BMSG_TRY(put_place(added.ids[i], {record.no, i}));
    }
  }
  return done;
}

void ChangeWriter::replace(const node::ChainChange::Added& added, FoundBlock stored) {
  stored.record.sealed.seal = added.block.seal;
  if (stored.branch == node::Branch::main) {
    batch_.put(key(Kind::height, stored.height()),
               encode(HeightRecord{stored.hash, stored.record}));
  } else if (const auto unplaced = unplaced_.find(stored.hash); unplaced != unplaced_.end()) {
    unplaced->second = stored.record;
  } else {
    batch_.put(key(Kind::side_block, stored.hash.view()), encode(stored.record));
  }
  const std::vector<Message>& messages = added.block.messages;
  for (std::uint32_t i = 0; i < messages.size(); ++i) {
    if (!messages[i].body) batch_.erase(body_key(stored.record.no, i));
    if (messages[i].body) batch_.erase(dropped_key(stored.record.no, i));
  }
  put_messages(added, stored.record.no);
}

void ChangeWriter::put_messages(const node::ChainChange::Added& added, std::uint64_t no) {
  const std::vector<Message>& messages = added.block.messages;
  std::uint32_t part = 0;
  Bytes table = begin_table(added.hash);
  for (std::uint32_t i = 0; i < messages.size(); ++i) {
    if (i / kTableEntries != part) {
      batch_.put(table_key(no, part++), table);
      table = begin_table(added.hash);
    }
    append_entry(table, messages[i]);
    if (messages[i].body) batch_.put_unread(body_key(no, i), *messages[i].body);
  }
  batch_.put(table_key(no, part), table);
}

Result<Done> ChangeWriter::put_place(const MessageId& id, const PlaceRecord& place) {
  const Bytes at = places_key(id);
  BMSG_TRY_ASSIGN(auto places, read_places(batch_, at));
  places.push_back(place);
  batch_.put(at, encode(places));
  return done;
}

/// Where no message of the database has an id that begins so. Several of this change may.
void ChangeWriter::put_new_places() {
  std::ranges::stable_sort(new_places_, {}, &std::pair<Bytes, PlaceRecord>::first);
  std::vector<PlaceRecord> places;
  for (std::size_t i = 0; i < new_places_.size(); ++i) {
    const Bytes& at = new_places_[i].first;
    places.push_back(new_places_[i].second);
    if (i + 1 < new_places_.size() && new_places_[i + 1].first == at) continue;
    Bytes all = writes_places_once_ ? Bytes() : batch_.get_new(at).value_or(Bytes());
    append(all, encode(places));
    writes_places_once_ ? batch_.put_unread(at, all) : batch_.put(at, all);
    places.clear();
  }
  new_places_.clear();
}

Result<Done> ChangeWriter::erase_place(const MessageId& id, const PlaceRecord& place) {
  const Bytes at = places_key(id);
  BMSG_TRY_ASSIGN(auto places, read_places(batch_, at));
  std::erase(places, place);
  if (places.empty()) {
    batch_.erase(at);
  } else {
    batch_.put(at, encode(places));
  }
  return done;
}

void ChangeWriter::set_tip(const BlockHash& hash, const BlockRecord& record) {
  const Header& header = record.sealed.header;
  tip_ = {.height = header.height, .hash = hash, .work = record.total_work, .time = header.time};
}

Result<Done> ChangeWriter::disconnect(const BlockHash& hash) {
  if (hash != tip_.hash) return misfit("not the tip:", hash);
  BMSG_TRY_ASSIGN(const auto block, find_block(batch_, hash));
  if (!block || block->height().value == 0) return misfit("cannot disconnect", hash);
  const BlockHash& below = block->record.sealed.header.previous;
  BMSG_TRY_ASSIGN(const auto parent, find_block(batch_, below));
  if (!parent) return misfit("no parent for", hash);
  batch_.erase(key(Kind::main_block, hash.view()));
  batch_.erase(key(Kind::height, block->height()));
  batch_.put(key(Kind::side_block, hash.view()), encode(block->record));
  set_tip(below, parent->record);
  return done;
}

Result<Done> ChangeWriter::connect(const BlockHash& hash) {
  BMSG_TRY_ASSIGN(const auto block, find(hash));
  const bool follows = block && block->branch == node::Branch::side &&
                       block->record.sealed.header.previous == tip_.hash &&
                       block->height().value == tip_.height.value + 1;
  if (!follows) return misfit("cannot connect", hash);
  if (unplaced_.erase(hash) == 0) batch_.erase(key(Kind::side_block, hash.view()));
  batch_.put(key(Kind::main_block, hash.view()), encode(block->height()));
  batch_.put(key(Kind::height, block->height()), encode(HeightRecord{hash, block->record}));
  set_tip(hash, block->record);
  return done;
}

Result<Done> ChangeWriter::forget(const BlockHash& hash) {
  BMSG_TRY_ASSIGN(const auto block, find_block(batch_, hash));
  if (!block) return done;
  if (block->branch == node::Branch::main) return misfit("cannot forget", hash);
  const std::uint64_t no = block->record.no;
  BMSG_TRY_ASSIGN(const auto entries, read_table(batch_, *block));
  batch_.erase(table_key(no, 0));
  for (std::uint32_t i = 0; i < entries.size(); ++i) {
    BMSG_TRY(erase_place(chain::id_of(entries[i].head), {no, i}));
    batch_.erase(entries[i].has_body ? body_key(no, i) : dropped_key(no, i));
    if (i % kTableEntries == 0) batch_.erase(table_key(no, i / kTableEntries));
  }
  batch_.erase(key(Kind::side_block, hash.view()));
  batch_.erase(key(Kind::charter, hash.view()));
  return done;
}

Result<Done> ChangeWriter::pool_add(const node::PooledMessage& pooled) {
  // A message that is stamped again arrives again.
  BMSG_TRY(pool_remove({pooled.id}, nullptr));
  const std::uint64_t arrival = counters_.arrival++;
  batch_.put(key(Kind::pooled, arrival), encode_pooled(pooled));
  batch_.put(key(Kind::pooled_id, pooled.id.view()), encode_number(arrival));
  return done;
}

/// How many were there. Keys that come in order are written faster.
Result<std::size_t> ChangeWriter::pool_remove(const std::vector<MessageId>& ids,
                                              const PoolIds* there) {
  std::vector<std::uint64_t> arrivals;
  for (const MessageId& id : ids) {
    if (there != nullptr && !there->contains(id)) continue;
    const Bytes by_id = key(Kind::pooled_id, id.view());
    BMSG_TRY_ASSIGN(const auto value, batch_.get(by_id));
    if (!value) continue;
    BMSG_TRY_ASSIGN(const auto arrival, decode_number(*value));
    arrivals.push_back(arrival);
    batch_.erase(by_id);
  }
  std::ranges::sort(arrivals);
  for (const std::uint64_t arrival : arrivals) batch_.erase(key(Kind::pooled, arrival));
  return arrivals.size();
}

/// False if another message stands there, or this one has its body.
Result<bool> ChangeWriter::put_body(const node::ChainChange::LateBody& late,
                                    const PlaceRecord& place) {
  const std::uint32_t part = place.index / kTableEntries;
  BMSG_TRY_ASSIGN(const auto old, batch_.get(table_key(place.no, part)));
  if (!old) return malformed("message table");
  TableReader reader(*old);
  Bytes table = begin_table(reader.block());
  bool is_missing = false;
  for (std::uint32_t at = part * kTableEntries;; ++at) {
    BMSG_TRY_ASSIGN(auto entry, reader.next());
    if (!entry) break;
    if (at == place.index && !entry->has_body && chain::id_of(entry->head) == late.id) {
      BMSG_TRY(check_body(late.body, entry->head));
      is_missing = entry->has_body = true;
    }
    append_entry(table, *entry);
  }
  if (!is_missing) return false;
  batch_.put(table_key(place.no, part), table);
  batch_.put(body_key(place.no, place.index), late.body);
  batch_.erase(dropped_key(place.no, place.index));
  return true;
}

Result<Done> ChangeWriter::complete(const node::ChainChange::LateBody& late) {
  BMSG_TRY(unwant(late.id));
  BMSG_TRY_ASSIGN(const auto places, read_places(batch_, places_key(late.id)));
  bool has_completed = false;
  for (const PlaceRecord& place : places) {
    BMSG_TRY_ASSIGN(const bool put, put_body(late, place));
    has_completed = has_completed || put;
  }
  if (has_completed) batch_.put(key(Kind::completed, counters_.arrival++), late.id.view());
  return done;
}

Result<Done> ChangeWriter::want(const MessageId& id) {
  batch_.put(key(Kind::wanted, id.view()), {});
  return done;
}

Result<Done> ChangeWriter::unwant(const MessageId& id) {
  batch_.erase(key(Kind::wanted, id.view()));
  return done;
}

/// Each part of a table is written once, however many of its bodies go.
Result<Done> ChangeWriter::drop(const std::vector<node::DroppedBody>& all) {
  std::map<std::pair<std::uint64_t, std::uint32_t>, Drops> parts;
  for (const node::DroppedBody& one : all) {
    BMSG_TRY_ASSIGN(const auto places, read_places(batch_, places_key(one.id)));
    for (const PlaceRecord& place : places)
      parts[{place.no, place.index / kTableEntries}].emplace(place.index, &one);
  }
  for (const auto& [part, drops] : parts) BMSG_TRY(drop_of_part(part.first, part.second, drops));
  return done;
}

Result<Done> ChangeWriter::drop_of_part(std::uint64_t no, std::uint32_t part, const Drops& drops) {
  BMSG_TRY_ASSIGN(const auto old, batch_.get(table_key(no, part)));
  if (!old) return malformed("message table");
  TableReader reader(*old);
  Bytes table = begin_table(reader.block());
  bool has_changed = false;
  for (std::uint32_t at = part * kTableEntries;; ++at) {
    BMSG_TRY_ASSIGN(auto entry, reader.next());
    if (!entry) break;
    const auto found = drops.find(at);
    // Another message's id may begin with the same bytes.
    const bool is_it = found != drops.end() && chain::id_of(entry->head) == found->second->id;
    if (is_it && entry->head.suite == Suite::charter)
      return misfit("cannot drop from", reader.block());
    if (is_it) {
      BMSG_TRY_ASSIGN(const auto listed, batch_.get(dropped_key(no, at)));
      if (!listed) batch_.put(dropped_key(no, at), encode(*found->second));
      has_changed = has_changed || entry->has_body;
      if (entry->has_body) batch_.erase(body_key(no, at));
      entry->has_body = false;
    }
    append_entry(table, *entry);
  }
  if (has_changed) batch_.put(table_key(no, part), table);
  return done;
}

void ChangeWriter::finish() {
  batch_.put(key(Kind::meta, "tip"), encode(tip_));
  batch_.put(key(Kind::meta, "next"), encode(counters_));
}

template <class Item>
Result<Done> each(const std::vector<Item>& items, ChangeWriter& writer,
                  Result<Done> (ChangeWriter::*step)(const Item&)) {
  for (const Item& item : items) BMSG_TRY((writer.*step)(item));
  return done;
}

Result<Counters> read_counters(const Records& records) {
  BMSG_TRY_ASSIGN(const auto value, records.get(key(Kind::meta, "next")));
  if (!value) return malformed("counter");
  return decode_counters(*value);
}

}  // namespace

Result<std::size_t> put_change(Batch& batch, const node::ChainChange& change, const PoolIds* pool) {
  BMSG_TRY_ASSIGN(const auto tip, read_tip(batch));
  BMSG_TRY_ASSIGN(const auto counters, read_counters(batch));
  ChangeWriter writer(batch, tip, counters, change);
  BMSG_TRY(each(change.added, writer, &ChangeWriter::add));
  writer.put_new_places();
  BMSG_TRY(each(change.disconnect, writer, &ChangeWriter::disconnect));
  BMSG_TRY(each(change.connect, writer, &ChangeWriter::connect));
  for (const node::TreeNode& node : change.tree)
    batch.put(tree_key(node.level, node.index), node.digest.view());
  BMSG_TRY_ASSIGN(const std::size_t removed, writer.pool_remove(change.pool_remove, pool));
  BMSG_TRY(each(change.pool_add, writer, &ChangeWriter::pool_add));
  BMSG_TRY(each(change.forget, writer, &ChangeWriter::forget));
  BMSG_TRY(each(change.want, writer, &ChangeWriter::want));
  BMSG_TRY(each(change.unwant, writer, &ChangeWriter::unwant));
  BMSG_TRY(each(change.bodies, writer, &ChangeWriter::complete));
  BMSG_TRY(put_endorsed(batch, change.endorsed));
  BMSG_TRY(writer.drop(change.drop));
  writer.finish();
  return removed;
}

}  // namespace bmsg::storage
