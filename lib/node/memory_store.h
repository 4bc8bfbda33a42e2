// MemoryStore: a chain in memory, for tests and for thinking.

#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lib/node/store.h"

namespace bmsg::node {

/// A chain as plain maps. What it answers is what every other Store has to answer.
/// Threads: any, beside one writer; records() one at a time.
/// Errors:  Errc::corrupt for a change that does not fit what is stored; Errc::io where
///          fail_apply() asked for it. In both cases nothing has changed.
class MemoryStore final : public Store {
 public:
  /// A chain of its genesis block. The text must parse.
  explicit MemoryStore(std::string rules_text, Keeps keeps = Keeps::all);

  Result<std::string> rules_text() const override;
  Result<Tip> tip() const override;
  Result<std::optional<BlockHash>> hash_at(Height height) const override;
  Result<std::optional<StoredHeader>> header(const BlockHash& hash) const override;
  Result<std::vector<StoredHeader>> headers(Height from, std::uint32_t count) const override;
  Result<std::optional<Block>> block(const BlockHash& hash, Bodies bodies) const override;
  Result<std::vector<StoredHeader>> tips() const override;
  Result<std::vector<MessagePlace>> places_of(const MessageId& id) const override;
  Result<std::optional<Message>> message_at(const MessagePlace& place) const override;
  Result<std::vector<MessageId>> ids_with_prefix(ByteView prefix, std::size_t max) const override;
  Result<std::optional<Digest>> tree_node(std::uint8_t level, std::uint64_t index) const override;
  Result<std::vector<DroppedBody>> dropped() const override;
  Result<std::optional<DroppedBody>> dropped(const MessageId& id) const override;
  Result<std::vector<PooledMessage>> pool(std::uint64_t arrival) const override;
  Result<std::optional<PooledMessage>> pooled(const MessageId& id) const override;
  Result<std::vector<Proposal>> proposals() const override;
  Result<std::optional<Proposal>> proposal(const BlockHash& hash) const override;
  Result<std::vector<StoredCharter>> charters() const override;
  Result<std::vector<chain::Evidence>> evidence() const override;
  bool is_light() const override { return keeps_ == Keeps::heads; }
  Result<std::vector<MessageId>> wanted() const override;
  Result<std::vector<Completion>> completed(std::uint64_t arrival) const override;
  Result<std::vector<Checkpoint>> checkpoints() const override;
  Result<std::vector<Peer>> peers() const override;

  Result<Done> apply(const ChainChange& change) override;
  Result<Done> give_back_room() override;
  Result<Done> set_checkpoints(const std::vector<Checkpoint>& checkpoints) override;
  Result<Done> put_peer(const Peer& peer) override;
  Result<Done> remove_peer(const std::string& url) override;

  /// When and why a body was dropped.
  struct DropRecord {
    UnixSeconds when;
    DropRule rule = DropRule::named;
  };
  /// A block as it is kept.
  struct BlockRecord {
    StoredHeader header;
    std::uint64_t no = 0;  // Counts the blocks as they came.
    std::vector<Message> messages;
    std::map<std::uint32_t, DropRecord> dropped = {};  // By index.
    bool readable = true;                              // False: reading it is Errc::corrupt.
  };
  struct PlaceRecord {
    BlockHash block;
    std::uint32_t index = 0;
    bool operator==(const PlaceRecord&) const = default;
  };
  /// All that is stored. Tests damage it here.
  struct Records {
    std::string rules_text;
    Tip tip;
    std::vector<BlockHash> main;  // By height.
    std::unordered_map<BlockHash, BlockRecord, FixedBytesHash> blocks;
    std::map<MessageId, std::vector<PlaceRecord>> places;
    std::map<std::pair<std::uint8_t, std::uint64_t>, Digest> tree;
    std::map<std::uint64_t, PooledMessage> pool;  // By arrival.
    std::unordered_map<MessageId, std::uint64_t, FixedBytesHash> pool_by_id;
    std::uint64_t next_arrival = 1;
    std::uint64_t next_no = 1;
    std::set<MessageId> wanted;
    std::map<std::uint64_t, MessageId> completed;  // By arrival.
    std::map<BlockHash, Block> proposals;
    std::map<BlockHash, std::string> charters;  // Rules texts, by block.
    std::map<EndorserKey, chain::Evidence> evidence;
    std::map<Height, BlockHash> checkpoints;
    std::map<std::string, Peer> peers;
  };
  Records& records() { return records_; }

  /// The apply after `more` further ones fails, once.
  void fail_apply(std::uint32_t more) { applies_left_ = more; }

 private:
  Result<Done> check_fit(const ChainChange& change) const;
  Result<Done> check_body(const ChainChange::LateBody& late) const;
  const BlockRecord* find(const BlockHash& hash) const;
  void add(const ChainChange::Added& added);
  void disconnect(const BlockHash& hash);
  void connect(const BlockHash& hash);
  void forget(const BlockHash& hash);
  void pool_add(PooledMessage pooled);
  void pool_remove(const MessageId& id);
  void complete(const ChainChange::LateBody& late);
  void drop(const DroppedBody& one);
  Result<Done> check_drop(const DroppedBody& one, const ChainChange& change) const;
  void endorse(const EndorsedChange& change);
  void move_tip(const BlockHash& hash);

  const Keeps keeps_;
  mutable std::recursive_mutex mutex_;  // Readers use one another.
  Records records_;
  std::optional<std::uint32_t> applies_left_;
};

}  // namespace bmsg::node
