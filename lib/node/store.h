// Store: a chain as it is kept. An interface that lib/node owns and storage/ implements.
//
// Every stored block keeps every rule, since its ancestors were stored before it. A store holds
// the best chain, by height, and side branches, by hash. A change is applied whole or not at all.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lib/chain/evidence.h"
#include "lib/core/block.h"
#include "lib/core/ids.h"
#include "lib/core/result.h"
#include "lib/node/peer.h"

namespace bmsg::node {

/// The end of the best chain.
struct Tip {
  Height height;
  BlockHash hash;
  Work work;         // Of all blocks after genesis.
  UnixSeconds time;  // As its header says.

  bool operator==(const Tip&) const = default;
};

enum class Branch : std::uint8_t { side = 0, main = 1 };

/// What a store keeps of messages: light ones keep the heads, and those bodies that are wanted.
enum class Keeps : std::uint8_t { all, heads };

/// A block without its messages, and where it stands.
struct StoredHeader {
  BlockHash hash;
  SealedHeader sealed;
  Work total_work;
  std::uint64_t bytes = 0;  // Encoded size of its messages, bodies included.
  Branch branch = Branch::side;
};

/// Where a message stands in a block. The same id may stand in blocks of several branches.
struct MessagePlace {
  BlockHash block;
  Height height;
  std::uint32_t index = 0;
  Branch branch = Branch::side;
};

/// Where a message in the pool came from, for its share of the pool.
enum class Origin : std::uint8_t { own = 0, peer = 1, reorg = 2 };

/// A message that waits for a block.
struct PooledMessage {
  MessageId id;
  Message message;  // With its body.
  UnixSeconds since;
  Origin origin = Origin::own;
  std::uint64_t arrival = 0;  // Counts up over the life of the store; given by the store.
  std::uint64_t giver = 0;    // Of Origin::peer: who brought it, as a digest; 0: nobody was named.
};

/// A block that must lie on the best chain.
struct Checkpoint {
  Height height;
  BlockHash hash;

  bool operator==(const Checkpoint&) const = default;
};

/// A node of the tree over the hashes of the best chain: the root of a full subtree of 2^level
/// leaves that begins at leaf index·2^level.
struct TreeNode {
  std::uint8_t level = 0;
  std::uint64_t index = 0;
  Digest digest;
};

/// Why a body was dropped here.
enum class DropRule : std::uint8_t {
  named = 0,    // By its id.
  expired = 1,  // Its head allows that from then on.
  older = 2,    // Older than somebody wanted to keep.
  sender = 3,   // Because of who wrote it.
  asked = 4,    // Its author asked for it.
};

/// A message of a stored block whose body was dropped here.
struct DroppedBody {
  MessageId id;
  UnixSeconds when;
  DropRule rule = DropRule::named;

  bool operator==(const DroppedBody&) const = default;
};

/// A block that too few endorsers have signed yet.
struct Proposal {
  BlockHash hash;
  Block block;  // Whole; its seal has one signature at least.

  bool operator==(const Proposal&) const = default;
};

/// A block of any branch that carries a charter, and the rules text that it brings.
struct StoredCharter {
  BlockHash block;
  std::string rules_text;

  bool operator==(const StoredCharter&) const = default;
};

/// What changes of what a chain of endorsers has beside its blocks.
struct EndorsedChange {
  std::vector<Proposal> propose = {};    // Each replaces the one with its hash.
  std::vector<BlockHash> withdraw = {};  // Proposals to drop, before others are put.
  std::vector<StoredCharter> charters = {};
  /// Of each endorser the first is kept. It must hold.
  std::vector<chain::Evidence> evidence = {};
};

/// What changes together. Each part may be empty.
struct ChainChange {
  /// A new block and the work of its chain up to it. It goes to a side branch unless connected.
  struct Added {
    Block block;
    BlockHash hash;
    std::vector<MessageId> ids;  // Of its messages, in order.
    Work total_work;
    bool are_new = false;  // may_hold_any() said no of all of them.
  };
  std::vector<Added> added = {};           // Parents before children.
  std::vector<BlockHash> disconnect = {};  // From the tip downwards.
  std::vector<BlockHash> connect = {};     // Upwards from where disconnecting stopped.
  std::vector<TreeNode> tree = {};  // Nodes that connecting completes; they replace older ones.
  std::vector<PooledMessage> pool_add = {};
  std::vector<MessageId> pool_remove = {};
  std::vector<BlockHash> forget = {};  // Side blocks to drop.
  /// Messages of stored blocks, these among them, to be without bodies and listed. No charter.
  std::vector<DroppedBody> drop = {};
  EndorsedChange endorsed = {};

  // Of a light store only.
  /// A body that comes after its block. It completes every stored message of this id that has none,
  /// is wanted no more, and stands among completed() if it completed any.
  struct LateBody {
    MessageId id;
    Bytes body;
  };
  std::vector<LateBody> bodies = {};
  std::vector<MessageId> want = {};    // Bodies to be asked for.
  std::vector<MessageId> unwant = {};  // And those that are not any more.
};

/// A message of a block whose body came later. Arrivals are counted together with the pool's.
struct Completion {
  std::uint64_t arrival = 0;
  MessageId id;

  bool operator==(const Completion&) const = default;
};

/// Reading a chain. What is given is checked for shape; whether it keeps the rules is the
/// verifier's question.
/// Threads: any, beside one writer.
/// Errors:  Errc::io if the disk fails; Errc::corrupt if a record does not decode.
class ChainReader {
 public:
  virtual ~ChainReader() = default;

  /// The rules text that made the store.
  virtual Result<std::string> rules_text() const = 0;
  virtual Result<Tip> tip() const = 0;

  /// On the best chain; nullopt above its tip.
  virtual Result<std::optional<BlockHash>> hash_at(Height height) const = 0;
  /// On any branch.
  virtual Result<std::optional<StoredHeader>> header(const BlockHash& hash) const = 0;
  /// Up to `count` headers of the best chain from `from` upwards; fewer at the tip.
  virtual Result<std::vector<StoredHeader>> headers(Height from, std::uint32_t count) const = 0;
  /// On any branch. A body that was dropped is absent, whatever was asked.
  virtual Result<std::optional<Block>> block(const BlockHash& hash, Bodies bodies) const = 0;
  /// All stored branches' last blocks, the best chain's among them.
  virtual Result<std::vector<StoredHeader>> tips() const = 0;
  /// The one on the best chain first, if there is one.
  virtual Result<std::vector<MessagePlace>> places_of(const MessageId& id) const = 0;
  /// Whether stored blocks may hold one of these. False is certain, and costs less than places_of()
  /// of each.
  virtual Result<bool> may_hold_any(const std::vector<MessageId>& ids) const {
    for (const MessageId& id : ids) {
      const auto places = places_of(id);
      if (!places) return places.error();
      if (!places.value().empty()) return true;
    }
    return false;
  }
  /// One message of a block; nullopt if the block has no such index.
  virtual Result<std::optional<Message>> message_at(const MessagePlace& place) const = 0;
  /// Ids of the best chain and the pool that begin with `prefix` (at least 4 bytes), up to `max`.
  virtual Result<std::vector<MessageId>> ids_with_prefix(ByteView prefix,
                                                         std::size_t max) const = 0;
  virtual Result<std::optional<Digest>> tree_node(std::uint8_t level,
                                                  std::uint64_t index) const = 0;

  /// What was dropped of the messages of stored blocks, each once, in the order of the blocks as
  /// they came.
  virtual Result<std::vector<DroppedBody>> dropped() const = 0;
  /// The same of one message; nullopt if it is here, or never was.
  virtual Result<std::optional<DroppedBody>> dropped(const MessageId& id) const = 0;

  /// The pool in order of arrival, from `arrival` upwards (0: all).
  virtual Result<std::vector<PooledMessage>> pool(std::uint64_t arrival) const = 0;
  virtual Result<std::optional<PooledMessage>> pooled(const MessageId& id) const = 0;

  // Of a chain of endorsers.
  /// In the order of their hashes.
  virtual Result<std::vector<Proposal>> proposals() const = 0;
  virtual Result<std::optional<Proposal>> proposal(const BlockHash& hash) const = 0;
  virtual Result<std::vector<StoredCharter>> charters() const = 0;
  /// One piece of each endorser who signed twice, in the order of their keys.
  virtual Result<std::vector<chain::Evidence>> evidence() const = 0;

  /// Whether it keeps heads only, and those bodies that somebody wanted.
  virtual bool is_light() const = 0;
  /// Messages whose bodies are to be asked for, in the order of their ids.
  virtual Result<std::vector<MessageId>> wanted() const = 0;
  /// What was completed by bodies that came after their blocks, from `arrival` upwards (0: all).
  virtual Result<std::vector<Completion>> completed(std::uint64_t arrival) const = 0;

  virtual Result<std::vector<Checkpoint>> checkpoints() const = 0;
  virtual Result<std::vector<Peer>> peers() const = 0;
};

/// Changing a chain. One at a time; the caller holds the store's chain lock.
class Store : public ChainReader {
 public:
  /// Applies the change in one synced batch: after a crash it is there whole or not at all.
  virtual Result<Done> apply(const ChainChange& change) = 0;

  /// Gives the room of what was dropped back to the file system. Threads: beside a change, too.
  virtual Result<Done> give_back_room() = 0;

  virtual Result<Done> set_checkpoints(const std::vector<Checkpoint>& checkpoints) = 0;
  /// Adds or replaces the peer with this url.
  virtual Result<Done> put_peer(const Peer& peer) = 0;
  virtual Result<Done> remove_peer(const std::string& url) = 0;
};

}  // namespace bmsg::node
