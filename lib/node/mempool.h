// Mempool: messages that wait for a block, ranked by the work of their stamps, bounded in bytes.
//
// Rank is work per byte, since space in a block is per byte; days are paid in the least stamp that
// a message must have. The pool lies in the store; here is an index of it, read when it is first
// needed.

#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
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
  std::size_t of_giver = kPoolBytesMax / 4;  // Of what one peer brought.
};

/// Where messages come from.
struct Source {
  Origin origin = Origin::own;
  std::uint64_t giver = 0;  // Of Origin::peer: which one; all that are not named are one.

  bool operator==(const Source&) const = default;
};

/// Messages of our own are never dropped for others, and find room while there are others; the
/// least rank of the others goes first. What is remembered of givers is what they have here.
/// Threads: one at a time.
/// Errors:  as Store.
class Mempool {
 public:
  Mempool(Store& store, const chain::ChainRules& chain, const Clock& clock, PoolLimits limits = {})
      : store_(store), chain_(chain), clock_(clock), limits_(limits) {}

  /// Judges messages and keeps the good ones; what is accepted is durable. One outcome for each.
  /// Where there is no room, our own are held and those of others refused. Those of `as_new` that
  /// wait here are taken with the stamp that they first come with, as if they had not been here.
  Result<std::vector<MessageOutcome>> submit(const std::vector<Message>& messages,
                                             const Source& source,
                                             const std::vector<MessageId>& as_new = {});
  Result<std::vector<MessageOutcome>> submit(const std::vector<Message>& messages, Origin origin) {
    return submit(messages, Source{origin, 0});
  }

  /// Messages for a block at `time`: highest rank first while they fit, then in the order of ids.
  Result<std::vector<Message>> pick(UnixSeconds time);

  /// Highest rank first, then by id; what does not wait here comes last.
  Result<Done> sort_by_rank(std::vector<MessageId>& ids);

  struct Totals {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };
  Result<Totals> totals();
  /// How many peers have something here.
  Result<std::size_t> givers();

  /// The chain changed: the index is read again when it is next needed.
  void forget_index() { loaded_ = false; }
  /// A block took these out of the pool, and nothing else changed.
  void note_gone(const std::vector<MessageId>& ids);
  /// The same, after messages of blocks came back: drops what is beyond the limits.
  Result<Done> trim();
  /// The same, after the rules became others: drops what they do not let into a block any more, and
  /// charters that come too late.
  Result<Done> drop_unfit();

 private:
  struct Entry {
    std::size_t bytes = 0;
    std::uint64_t achieved = 0;  // Hashes that its stamp shows.
    Source source = {};
  };
  struct Ranked {
    Entry entry;
    MessageId id;
    bool operator<(const Ranked& other) const;  // By rank, then by id.
  };
  /// What one giver has here.
  struct Share {
    std::set<Ranked> ranked;
    std::size_t bytes = 0;
  };
  /// Who goes for an incoming message; without an answer, why none do.
  struct Victims {
    std::vector<MessageId> ids;
    Room room = Room::enough;
  };
  /// What one hand-over comes to, before it is stored.
  struct Batch {
    std::unordered_map<MessageId, PooledMessage, FixedBytesHash> add;
    std::unordered_set<MessageId, FixedBytesHash> remove;
  };
  Result<Done> load();
  /// On a pow chain nobody can vote.
  std::size_t needed_votes() const { return std::max<std::size_t>(chain_.rules.endorse, 1); }
  Result<MessageOutcome> judge(const Message& message, const MessageId& id) const;
  bool is_unfit(const Message& message, const MessageId& id) const;
  Result<bool> is_on_chain(const MessageId& id) const;
  Result<Done> take(const Message& message, const Source& source, MessageOutcome& outcome,
                    Batch& batch);
  Result<Done> make_ours(const MessageId& id, Batch& batch);
  bool make_room_in_share(const Ranked& incoming, Victims& victims, std::size_t& freed) const;
  Victims room_for(const Ranked& incoming) const;
  Result<Done> store(Batch batch, std::vector<MessageOutcome>& outcomes);
  static bool ranks_below(const Entry& a, const Entry& b);
  void add(const MessageId& id, const Entry& entry);
  void drop(const MessageId& id);

  Store& store_;
  const chain::ChainRules& chain_;
  const Clock& clock_;
  PoolLimits limits_;
  bool loaded_ = false;
  UnixSeconds loaded_at_;
  std::unordered_map<MessageId, Entry, FixedBytesHash> entries_;
  std::set<Ranked> others_;                // Not ours; least rank first.
  std::map<std::uint64_t, Share> shares_;  // Of each giver that has something here.
  std::size_t bytes_ = 0;
};

}  // namespace bmsg::node
