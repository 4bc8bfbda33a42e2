// Mempool: messages that wait for a block, ranked by the work of their stamps, bounded in bytes.
//
// Rank is work per byte, since space in a block is per byte. The pool lies in the store; here is
// an index of it, read when it is first needed.

#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/node/service.h"
#include "lib/node/store.h"

namespace bmsg::node {

/// Units: bytes.
struct PoolLimits {
  std::size_t all = kPoolBytesMax;
  std::size_t from_peers = kPoolBytesMax / 4;  // Of all that Origin::peer brought, together.
};

/// Messages of our own are never dropped for others; the least rank of the others goes first.
/// Threads: one at a time.
/// Errors:  as Store.
class Mempool {
 public:
  Mempool(Store& store, const chain::ChainRules& chain, const Clock& clock, PoolLimits limits = {})
      : store_(store), chain_(chain), clock_(clock), limits_(limits) {}

  /// Judges messages and keeps the good ones; what is accepted is durable. One outcome for each.
  /// Where there is no room, our own are held and those of others refused. Those of `as_new` that
  /// wait here are taken with the stamp that they first come with, as if they had not been here.
  Result<std::vector<MessageOutcome>> submit(const std::vector<Message>& messages, Origin origin,
                                             const std::vector<MessageId>& as_new = {});

  /// Messages for a block at `time`: highest rank first while they fit, then in the order of ids.
  Result<std::vector<Message>> pick(UnixSeconds time);

  struct Totals {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };
  Result<Totals> totals();

  /// The chain changed: the index is read again when it is next needed.
  void forget_index() { loaded_ = false; }
  /// The same, after messages of blocks came back: drops what is beyond the limits.
  Result<Done> trim();

 private:
  struct Entry {
    std::size_t bytes = 0;
    std::uint64_t achieved = 0;  // Hashes that its stamp shows.
    Origin origin = Origin::own;
  };
  struct Ranked {
    Entry entry;
    MessageId id;
    bool operator<(const Ranked& other) const;  // By rank, then by id.
  };
  /// What one hand-over comes to, before it is stored.
  struct Batch {
    std::unordered_map<MessageId, PooledMessage, FixedBytesHash> add;
    std::unordered_set<MessageId, FixedBytesHash> remove;
  };
  using Ids = std::vector<MessageId>;

  Result<Done> load();
  Result<MessageOutcome> judge(const Message& message, const MessageId& id) const;
  Result<bool> is_on_chain(const MessageId& id) const;
  Result<Done> take(const Message& message, Origin origin, MessageOutcome& outcome, Batch& batch);
  Result<Done> make_ours(const MessageId& id, Batch& batch);
  std::optional<Ids> room_for(const Ranked& incoming) const;
  Result<Done> store(Batch batch, std::vector<MessageOutcome>& outcomes);
  static bool ranks_below(const Entry& a, const Entry& b);
  void add(const MessageId& id, const Entry& entry);
  void drop(const MessageId& id);

  Store& store_;
  const chain::ChainRules& chain_;
  const Clock& clock_;
  PoolLimits limits_;
  bool loaded_ = false;
  std::unordered_map<MessageId, Entry, FixedBytesHash> entries_;
  std::set<Ranked> from_peers_;  // Least rank first, like the next.
  std::set<Ranked> from_blocks_;
  std::size_t bytes_ = 0;
  std::size_t peer_bytes_ = 0;
};

}  // namespace bmsg::node
