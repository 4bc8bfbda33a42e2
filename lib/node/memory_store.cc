#include "lib/node/memory_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_set>

#include "lib/chain/block_hash.h"
#include "lib/chain/genesis.h"
#include "lib/chain/merkle.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"

namespace bmsg::node {
namespace {

Error misfit(std::string_view what, const BlockHash& block) {
  return Error{Errc::corrupt, fmt::format("the change does not fit the stored chain: {} {}", what,
                                          to_hex(block.view()))};
}

std::uint64_t encoded_bytes(const std::vector<Message>& messages) {
  std::uint64_t sum = 0;
  for (const Message& message : messages) sum += message.head.encoded_bytes();
  return sum;
}

bool begins_with(const MessageId& id, ByteView prefix) {
  return std::ranges::equal(id.view().first(prefix.size()), prefix);
}

/// What is read of a block before any of a change is made.
struct Known {
  Height height;
  BlockHash previous;
  Branch branch = Branch::side;
};

}  // namespace

MemoryStore::MemoryStore(std::string rules_text, Keeps keeps) : keeps_(keeps) {
  const auto chain = chain::parse_chain_rules(rules_text);
  check(bool(chain), "a store for a rules text that does not parse");
  const Header genesis = chain::genesis_header(chain.value());
  const BlockHash hash = chain::hash_of(genesis);
  records_.rules_text = std::move(rules_text);
  records_.blocks[hash].header = {
      .hash = hash, .sealed = {genesis, {}}, .total_work = {}, .bytes = 0, .branch = Branch::main};
  records_.main.push_back(hash);
  records_.tree[{0, 0}] = chain::leaf_hash(hash.view());
  move_tip(hash);
}

Result<std::string> MemoryStore::rules_text() const {
  return records_.rules_text;  // Never changes.
}

Result<Tip> MemoryStore::tip() const {
  const std::lock_guard lock(mutex_);
  return records_.tip;
}

Result<std::optional<BlockHash>> MemoryStore::hash_at(Height height) const {
  const std::lock_guard lock(mutex_);
  if (height.value >= records_.main.size()) return std::optional<BlockHash>();
  return std::optional(records_.main[height.value]);
}

const MemoryStore::BlockRecord* MemoryStore::find(const BlockHash& hash) const {
  const auto found = records_.blocks.find(hash);
  return found == records_.blocks.end() ? nullptr : &found->second;
}

Result<std::optional<StoredHeader>> MemoryStore::header(const BlockHash& hash) const {
  const std::lock_guard lock(mutex_);
  const BlockRecord* record = find(hash);
  if (record == nullptr) return std::optional<StoredHeader>();
  if (!record->readable) return Error{Errc::corrupt, "a stored block is malformed"};
  return std::optional(record->header);
}

Result<std::vector<StoredHeader>> MemoryStore::headers(Height from, std::uint32_t count) const {
  const std::lock_guard lock(mutex_);
  std::vector<StoredHeader> headers;
  for (std::uint64_t at = from.value; at < records_.main.size() && headers.size() < count; ++at) {
    BMSG_TRY_ASSIGN(const auto found, header(records_.main[at]));
    if (!found) return Error{Errc::corrupt, fmt::format("no block at height {}", at)};
    headers.push_back(*found);
  }
  return headers;
}

Result<std::optional<Block>> MemoryStore::block(const BlockHash& hash, Bodies bodies) const {
  const std::lock_guard lock(mutex_);
  BMSG_TRY_ASSIGN(const auto found, header(hash));
  if (!found) return std::optional<Block>();
  Block block{found->sealed.header, found->sealed.seal, find(hash)->messages};
  for (Message& message : block.messages) {
    // A charter travels with its body always.
    if (bodies == Bodies::without && message.head.suite != Suite::charter) message.body.reset();
  }
  return std::optional(std::move(block));
}

Result<std::vector<StoredHeader>> MemoryStore::tips() const {
  const std::lock_guard lock(mutex_);
  std::unordered_set<BlockHash, FixedBytesHash> parents;
  for (const auto& [hash, record] : records_.blocks) {
    if (record.header.branch == Branch::side) parents.insert(record.header.sealed.header.previous);
  }
  std::vector<StoredHeader> tips;
  for (const auto& [hash, record] : records_.blocks) {
    const bool best = hash == records_.tip.hash;
    const bool side_end = record.header.branch == Branch::side && !parents.contains(hash);
    if (best || side_end) tips.push_back(record.header);
  }
  return tips;
}

Result<std::vector<MessagePlace>> MemoryStore::places_of(const MessageId& id) const {
  const std::lock_guard lock(mutex_);
  std::vector<MessagePlace> places;
  const auto found = records_.places.find(id);
  if (found == records_.places.end()) return places;
  for (const PlaceRecord& place : found->second) {
    const BlockRecord* record = find(place.block);
    if (record == nullptr) return Error{Errc::corrupt, "a message stands in no block"};
    places.push_back({.block = place.block,
                      .height = record->header.sealed.header.height,
                      .index = place.index,
                      .branch = record->header.branch});
  }
  std::ranges::stable_sort(places, std::ranges::greater{}, &MessagePlace::branch);
  return places;
}

Result<std::optional<Message>> MemoryStore::message_at(const MessagePlace& place) const {
  const std::lock_guard lock(mutex_);
  BMSG_TRY_ASSIGN(const auto found, header(place.block));
  if (!found) return std::optional<Message>();
  const std::vector<Message>& messages = find(place.block)->messages;
  if (place.index >= messages.size()) return std::optional<Message>();
  return std::optional(messages[place.index]);
}

Result<std::vector<MessageId>> MemoryStore::ids_with_prefix(ByteView prefix,
                                                            std::size_t max) const {
  const std::lock_guard lock(mutex_);
  check(prefix.size() >= 4, "asked for ids by too short a prefix");
  std::vector<MessageId> ids;
  if (prefix.size() > MessageId::kSize) return ids;
  std::set<MessageId> found;
  for (const auto& [id, arrival] : records_.pool_by_id) {
    if (begins_with(id, prefix)) found.insert(id);
  }
  MessageId lowest;
  std::ranges::copy(prefix, lowest.data());
  for (auto at = records_.places.lower_bound(lowest); at != records_.places.end(); ++at) {
    if (!begins_with(at->first, prefix)) break;
    BMSG_TRY_ASSIGN(const auto places, places_of(at->first));
    const bool on_best = std::ranges::count(places, Branch::main, &MessagePlace::branch) > 0;
    if (on_best) found.insert(at->first);
  }
  for (const MessageId& id : found) {
    if (ids.size() < max) ids.push_back(id);
  }
  return ids;
}

Result<std::optional<Digest>> MemoryStore::tree_node(std::uint8_t level,
                                                     std::uint64_t index) const {
  const std::lock_guard lock(mutex_);
  // Nodes of a longer branch that was left may still lie there.
  const std::uint64_t leaves = std::uint64_t{records_.tip.height.value} + 1;
  if (level >= 64 || index >= leaves >> level) return std::optional<Digest>();
  const auto found = records_.tree.find({level, index});
  if (found == records_.tree.end()) return std::optional<Digest>();
  return std::optional(found->second);
}

Result<std::vector<PooledMessage>> MemoryStore::pool(std::uint64_t arrival) const {
  const std::lock_guard lock(mutex_);
  std::vector<PooledMessage> pool;
  for (auto at = records_.pool.lower_bound(arrival); at != records_.pool.end(); ++at) {
    pool.push_back(at->second);
  }
  return pool;
}

Result<std::optional<PooledMessage>> MemoryStore::pooled(const MessageId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = records_.pool_by_id.find(id);
  if (found == records_.pool_by_id.end()) return std::optional<PooledMessage>();
  return std::optional(records_.pool.at(found->second));
}

Result<std::vector<Completion>> MemoryStore::completed(std::uint64_t arrival) const {
  const std::lock_guard lock(mutex_);
  std::vector<Completion> all;
  for (auto at = records_.completed.lower_bound(arrival); at != records_.completed.end(); ++at)
    all.push_back({at->first, at->second});
  return all;
}

Result<std::vector<Checkpoint>> MemoryStore::checkpoints() const {
  const std::lock_guard lock(mutex_);
  std::vector<Checkpoint> checkpoints;
  for (const auto& [height, hash] : records_.checkpoints) checkpoints.push_back({height, hash});
  return checkpoints;
}

Result<std::vector<Peer>> MemoryStore::peers() const {
  const std::lock_guard lock(mutex_);
  std::vector<Peer> peers;
  for (const auto& [url, peer] : records_.peers) peers.push_back(peer);
  return peers;
}

Result<Done> MemoryStore::apply(const ChainChange& change) {
  const std::lock_guard lock(mutex_);
  if (applies_left_ && (*applies_left_)-- == 0) {
    applies_left_.reset();
    return Error{Errc::io, "cannot write: a test said so"};
  }
  BMSG_TRY(check_fit(change));
  for (const ChainChange::Added& added : change.added) add(added);
  for (const BlockHash& hash : change.disconnect) disconnect(hash);
  for (const BlockHash& hash : change.connect) connect(hash);
  for (const TreeNode& node : change.tree) records_.tree[{node.level, node.index}] = node.digest;
  for (const PooledMessage& pooled : change.pool_add) pool_add(pooled);
  for (const MessageId& id : change.pool_remove) pool_remove(id);
  for (const BlockHash& hash : change.forget) forget(hash);
  records_.wanted.insert(change.want.begin(), change.want.end());
  for (const MessageId& id : change.unwant) records_.wanted.erase(id);
  for (const ChainChange::LateBody& late : change.bodies) complete(late);
  endorse(change.endorsed);
  for (const DroppedBody& one : change.drop) drop(one);
  return done;
}

/// Plays the blocks of the change on a copy of what matters of them.
Result<Done> MemoryStore::check_fit(const ChainChange& change) const {
  std::unordered_map<BlockHash, Known, FixedBytesHash> touched;
  const auto known = [&](const BlockHash& hash) -> Known* {
    const auto here = touched.find(hash);
    if (here != touched.end()) return &here->second;
    const BlockRecord* record = find(hash);
    if (record == nullptr) return nullptr;
    const Header& header = record->header.sealed.header;
    return &touched.emplace(hash, Known{header.height, header.previous, record->header.branch})
                .first->second;
  };
  for (const ChainChange::Added& added : change.added) {
    check(added.ids.size() == added.block.messages.size(), "a block with other ids than messages");
    const Header& header = added.block.header;
    if (known(added.hash) != nullptr) continue;
    if (known(header.previous) == nullptr) return misfit("no parent for", added.hash);
    touched.emplace(added.hash, Known{header.height, header.previous, Branch::side});
  }
  BlockHash tip = records_.tip.hash;
  for (const BlockHash& hash : change.disconnect) {
    Known* block = known(hash);
    if (hash != tip || block->height.value == 0) return misfit("cannot disconnect", hash);
    block->branch = Branch::side;
    tip = block->previous;
  }
  for (const BlockHash& hash : change.connect) {
    Known* block = known(hash);
    const bool follows =
        block != nullptr && block->branch == Branch::side && block->previous == tip;
    if (!follows) return misfit("cannot connect", hash);
    block->branch = Branch::main;
    tip = hash;
  }
  for (const BlockHash& hash : change.forget) {
    const Known* block = known(hash);
    if (block != nullptr && block->branch == Branch::main) return misfit("cannot forget", hash);
  }
  for (const ChainChange::LateBody& late : change.bodies) BMSG_TRY(check_body(late));
  for (const DroppedBody& one : change.drop) BMSG_TRY(check_drop(one, change));
  return done;
}

Result<Done> MemoryStore::check_body(const ChainChange::LateBody& late) const {
  const auto places = records_.places.find(late.id);
  if (places == records_.places.end()) return done;
  for (const PlaceRecord& place : places->second) {
    const Message& message = records_.blocks.at(place.block).messages[place.index];
    if (!message.body && message.head.body_bytes != late.body.size())
      return misfit("a body of another length in", place.block);
  }
  return done;
}

void MemoryStore::add(const ChainChange::Added& added) {
  const bool is_new = !records_.blocks.contains(added.hash);
  BlockRecord& record = records_.blocks[added.hash];
  if (is_new) {
    record.no = records_.next_no++;
    record.header = {.hash = added.hash,
                     .sealed = {added.block.header, added.block.seal},
                     .total_work = added.total_work,
                     .bytes = encoded_bytes(added.block.messages),
                     .branch = Branch::side};
    for (std::uint32_t i = 0; i < added.ids.size(); ++i) {
      records_.places[added.ids[i]].push_back({added.hash, i});
    }
  }
  record.header.sealed.seal = added.block.seal;
  record.messages = added.block.messages;
  std::erase_if(record.dropped,
                [&](const auto& one) { return record.messages[one.first].body.has_value(); });
}

void MemoryStore::move_tip(const BlockHash& hash) {
  const StoredHeader& stored = records_.blocks.at(hash).header;
  const Header& header = stored.sealed.header;
  records_.tip = {
      .height = header.height, .hash = hash, .work = stored.total_work, .time = header.time};
}

void MemoryStore::disconnect(const BlockHash& hash) {
  StoredHeader& stored = records_.blocks.at(hash).header;
  stored.branch = Branch::side;
  records_.main.pop_back();
  move_tip(stored.sealed.header.previous);
}

void MemoryStore::connect(const BlockHash& hash) {
  records_.blocks.at(hash).header.branch = Branch::main;
  records_.main.push_back(hash);
  move_tip(hash);
}

void MemoryStore::forget(const BlockHash& hash) {
  const auto found = records_.blocks.find(hash);
  if (found == records_.blocks.end()) return;
  for (const Message& message : found->second.messages) {
    const auto places = records_.places.find(chain::id_of(message.head));
    std::erase_if(places->second, [&](const PlaceRecord& place) { return place.block == hash; });
    if (places->second.empty()) records_.places.erase(places);
  }
  records_.blocks.erase(found);
  records_.charters.erase(hash);
}

// A message that is stamped again arrives again.
void MemoryStore::pool_add(PooledMessage pooled) {
  pool_remove(pooled.id);
  pooled.arrival = records_.next_arrival++;
  records_.pool_by_id[pooled.id] = pooled.arrival;
  records_.pool.emplace(pooled.arrival, std::move(pooled));
}

void MemoryStore::pool_remove(const MessageId& id) {
  const auto found = records_.pool_by_id.find(id);
  if (found == records_.pool_by_id.end()) return;
  records_.pool.erase(found->second);
  records_.pool_by_id.erase(found);
}

void MemoryStore::complete(const ChainChange::LateBody& late) {
  records_.wanted.erase(late.id);
  const auto places = records_.places.find(late.id);
  if (places == records_.places.end()) return;
  bool has_completed = false;
  for (const PlaceRecord& place : places->second) {
    Message& message = records_.blocks.at(place.block).messages[place.index];
    if (message.body) continue;
    message.body = late.body;
    records_.blocks.at(place.block).dropped.erase(place.index);
    has_completed = true;
  }
  if (has_completed) records_.completed.emplace(records_.next_arrival++, late.id);
}

Result<Done> MemoryStore::set_checkpoints(const std::vector<Checkpoint>& checkpoints) {
  const std::lock_guard lock(mutex_);
  records_.checkpoints.clear();
  for (const Checkpoint& checkpoint : checkpoints) {
    records_.checkpoints[checkpoint.height] = checkpoint.hash;
  }
  return done;
}

Result<Done> MemoryStore::put_peer(const Peer& peer) {
  const std::lock_guard lock(mutex_);
  records_.peers[peer.url] = peer;
  return done;
}

Result<Done> MemoryStore::remove_peer(const std::string& url) {
  const std::lock_guard lock(mutex_);
  records_.peers.erase(url);
  return done;
}

}  // namespace bmsg::node
