// BlockQueue: blocks that several peers give at once. Who fetches which, and what came before its
// parent did.

#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "lib/core/block.h"
#include "lib/core/clock.h"
#include "lib/core/limits.h"
#include "lib/core/result.h"
#include "lib/node/header_board.h"
#include "lib/node/header_sync.h"

namespace bmsg::node {

/// Blocks are wanted in the order of a chain, from a window of so many.
inline constexpr std::size_t kBlockWindow = 64;
/// After so long others fetch what a peer was asked for, too, while nothing tells how long answers
/// take. Once the others have given some it is three times what theirs take, but never less than
/// the least; twice that once two are asked for the same, and so on.
inline constexpr std::chrono::seconds kFetchPatience{2};
inline constexpr std::chrono::milliseconds kFetchPatienceMin{20};
/// The newest of the blocks that were stored are remembered.
inline constexpr std::size_t kStoredRemembered = 1'024;

/// Shared by the sessions of one store. Each is known by an address of its own.
/// Threads: any.
class BlockQueue {
 public:
  using Session = const void*;
  /// Some of a staged chain's blocks.
  struct Order {
    std::size_t begin = 0;
    std::size_t count = 0;
  };
  /// A block and who fetched it.
  struct Arrived {
    Block block;
    Session from = nullptr;
  };

  explicit BlockQueue(const Clock& clock) : clock_(clock), headers_(clock) {}

  /// What their chains are, which comes first.
  HeaderBoard& headers() { return headers_; }

  /// What to ask this session's peer for: blocks of `chain` from `next` on that nobody fetches, as
  /// far as an aligned range goes; nullopt if others are at all that is wanted now. One whose
  /// request was dropped gets what others fail to fetch, or leave alone for as long, while there
  /// are others. Never more than `most`, which divides a range.
  std::optional<Order> claim(Session session, const StagedChain& chain, std::size_t next,
                             std::size_t most = kBlocksPerRequest);
  /// Its peer gave these.
  void deliver(Session session, std::vector<Block> blocks);
  /// It fetches nothing for now: others may.
  void leave(Session session);
  /// It asks its peer for these now. Once all of them are stored nobody needs the answer, and
  /// `drop` is called, by another's thread.
  void begin_request(Session session, const StagedChain& chain, const Order& order,
                     std::function<void()> drop);
  /// Whatever came of it; `drop` is not called any more. True if it was: whose answer had not come
  /// by then is the slower one.
  bool end_request(Session session, bool has_answer = false);
  /// It is gone, and another may come to have its address.
  void end(Session session);

  /// A block whose turn has come; it is the caller's to store.
  std::optional<Arrived> take(const BlockHash& hash);
  /// These were taken and are not being stored after all.
  void put_back(std::vector<Arrived> blocks);
  void note_stored(const BlockHash& hash);
  /// It was taken and is not what was wanted: it is fetched anew, at once.
  void note_refused(const BlockHash& hash);
  /// False, too, for one that was stored so long ago that it was forgotten.
  bool is_stored(const BlockHash& hash) const;
  /// How many were: where this has grown, the store knows more.
  std::uint64_t forgotten() const;

  /// What this session's peer gave was not what its header stands for.
  void blame(Session session, Error error);
  /// Whether that was said of this one.
  std::optional<Error> blamed(Session session) const;

  /// Until something came, was stored or given up, or some milliseconds passed.
  void wait();

 private:
  using Duration = std::chrono::steady_clock::duration;
  struct Claim {
    Session session = nullptr;
    std::chrono::steady_clock::time_point since;
    unsigned others = 0;  // That were asked before and have not answered.
  };
  /// Some blocks that a peer is being asked for.
  struct Request {
    std::unordered_set<BlockHash, FixedBytesHash> missing;
    std::function<void()> drop;
    bool is_dropped = false;
  };
  /// How fast its peer answers.
  struct Pace {
    std::chrono::steady_clock::time_point claimed;
    std::optional<Duration> took;                      // From there to the last answer.
    bool is_slow = false;                              // A request of it was dropped.
    std::optional<BlockHash> left;                     // To others, the first of the wanted,
    std::chrono::steady_clock::time_point left_since;  // from then on.
  };
  bool is_unclaimed(const BlockHash& hash, Session session) const;
  bool is_free(const BlockHash& hash, Session session, const Pace& pace, bool yields) const;
  Duration patience_with(const Claim& claim) const;
  bool yields(Session session, Pace& pace, const StagedChain& chain, std::size_t next);
  void drop_claims(Session session);
  void remember_stored(const BlockHash& hash);

  const Clock& clock_;
  HeaderBoard headers_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<BlockHash, Claim, FixedBytesHash> claims_;
  std::unordered_map<BlockHash, Arrived, FixedBytesHash> arrived_;
  std::unordered_set<BlockHash, FixedBytesHash> stored_;
  std::deque<BlockHash> stored_order_;
  std::uint64_t forgotten_ = 0;
  std::unordered_map<Session, Request> requests_;
  std::unordered_map<Session, Pace> paces_;  // Of those that have claimed.
  std::unordered_map<Session, Error> blamed_;
};

}  // namespace bmsg::node
