// MemoryStore: bodies that were dropped, and those that are wanted.

#include <fmt/format.h>

#include <map>
#include <unordered_set>

#include "lib/chain/block_hash.h"
#include "lib/core/hex.h"
#include "lib/node/memory_store.h"

namespace bmsg::node {
namespace {

Error misfit(const BlockHash& block) {
  return Error{Errc::corrupt, fmt::format("the change does not fit the stored chain: cannot drop "
                                          "from {}",
                                          to_hex(block.view()))};
}

}  // namespace

Result<std::vector<DroppedBody>> MemoryStore::dropped() const {
  const std::lock_guard lock(mutex_);
  std::map<std::uint64_t, const BlockRecord*> in_order;
  for (const auto& [hash, record] : records_.blocks) {
    if (!record.dropped.empty()) in_order.emplace(record.no, &record);
  }
  std::unordered_set<MessageId, FixedBytesHash> seen;
  std::vector<DroppedBody> all;
  for (const auto& [no, record] : in_order) {
    for (const auto& [index, drop] : record->dropped) {
      const MessageId id = chain::id_of(record->messages[index].head);
      if (seen.insert(id).second) all.push_back({id, drop.when, drop.rule});
    }
  }
  return all;
}

Result<std::optional<DroppedBody>> MemoryStore::dropped(const MessageId& id) const {
  const std::lock_guard lock(mutex_);
  const auto places = records_.places.find(id);
  if (places == records_.places.end()) return std::optional<DroppedBody>();
  for (const PlaceRecord& place : places->second) {
    const auto& dropped = records_.blocks.at(place.block).dropped;
    const auto found = dropped.find(place.index);
    if (found != dropped.end())
      return std::optional(DroppedBody{id, found->second.when, found->second.rule});
  }
  return std::optional<DroppedBody>();
}

void MemoryStore::drop(const DroppedBody& one) {
  const auto places = records_.places.find(one.id);
  if (places == records_.places.end()) return;
  for (const PlaceRecord& place : places->second) {
    BlockRecord& record = records_.blocks.at(place.block);
    record.messages[place.index].body.reset();
    record.dropped.try_emplace(place.index, DropRecord{one.when, one.rule});
  }
}

Result<Done> MemoryStore::check_drop(const DroppedBody& one, const ChainChange& change) const {
  for (const ChainChange::Added& added : change.added) {
    for (std::size_t i = 0; i < added.ids.size(); ++i) {
      const bool is_charter = added.block.messages[i].head.suite == Suite::charter;
      if (added.ids[i] == one.id && is_charter) return misfit(added.hash);
    }
  }
  const auto places = records_.places.find(one.id);
  if (places == records_.places.end()) return done;
  for (const PlaceRecord& place : places->second) {
    const Message& message = records_.blocks.at(place.block).messages[place.index];
    if (message.head.suite == Suite::charter) return misfit(place.block);
  }
  return done;
}

Result<std::vector<MessageId>> MemoryStore::wanted() const {
  const std::lock_guard lock(mutex_);
  return std::vector<MessageId>(records_.wanted.begin(), records_.wanted.end());
}

Result<Done> MemoryStore::give_back_room() { return done; }
}  // namespace bmsg::node
