// Mempool: messages that wait for a block, ranked by the work of their stamps, bounded in bytes.
//
// Rank is work per byte, since space in a block is per byte. The pool lies in the store; here is
// an index of it, read when it is first needed.

#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/node/service.h"
#include "lib/node/store.h"

namespace bmsg::node {

/// Units: bytes.
struct PoolLimits {
  std::size_t all = kPoolBytesMax;
  std::size_t from_peers_at_once = kPoolBytesMax / 4;  // What one hand-over may take at most.
};

/// Threads: one at a time.
/// Errors:  as Store.
class Mempool {
 public:
  Mempool(Store& store, const chain::ChainRules& chain, const Clock& clock, PoolLimits limits = {})
      : store_(store), chain_(chain), clock_(clock), limits_(limits) {}

  /// Judges messages and keeps the good ones; what is accepted is durable. One outcome for each.
  Result<std::vector<MessageOutcome>> submit(const std::vector<Message>& messages, Origin origin);

  /// Messages for a block at `time`: highest rank first while they fit, then in the order of ids.
  Result<std::vector<Message>> pick(UnixSeconds time);

  struct Totals {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };
  Result<Totals> totals();

  /// The chain changed: the index is read again when it is next needed.
  void forget_index() { loaded_ = false; }

 private:
  struct Entry {
    std::size_t bytes = 0;
    std::uint64_t achieved = 0;  // Hashes that its stamp shows.
    std::uint64_t expiry = 0;
  };
  Result<Done> load();
  Result<MessageOutcome> judge(const Message& message, const MessageId& id);
  Result<bool> is_on_chain(const MessageId& id) const;
  Result<bool> make_room(const Entry& incoming, ChainChange& change);
  static bool ranks_below(const Entry& a, const Entry& b);
  void add(const MessageId& id, const Entry& entry);
  void drop(const MessageId& id);

  Store& store_;
  const chain::ChainRules& chain_;
  const Clock& clock_;
  PoolLimits limits_;
  bool loaded_ = false;
  std::unordered_map<MessageId, Entry, FixedBytesHash> entries_;
  std::size_t bytes_ = 0;
};

}  // namespace bmsg::node
