// HeaderBoard: headers that one session has fetched and checked, for all that run beside it.

#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "lib/core/clock.h"
#include "lib/node/header_sync.h"

namespace bmsg::node {

/// A peer's headers are not waited for any longer than four times what its first answer took, but
/// never less or more than these: then another peer is asked for them.
inline constexpr std::chrono::milliseconds kHeaderPatienceMin{200};
inline constexpr std::chrono::milliseconds kHeaderPatienceMax{2'000};

/// Whose claim is the best fetches headers; whoever claims a block among them needs none of its
/// own. Threads: any.
class HeaderBoard {
 public:
  using Session = const void*;
  enum class Turn : std::uint8_t { fetch, wait };

  explicit HeaderBoard(const Clock& clock) : clock_(clock) {}

  /// A chain that was put here, up to the block that a peer claims as its tip.
  std::optional<StagedChain> find(const Tip& claimed) const;
  /// Whether this session is to fetch the headers of its peer's claim, or another is at it whose
  /// claim is as good.
  Turn turn(Session session, const Tip& claimed, std::chrono::milliseconds patience);
  /// The session that fetches asks its peer now. `drop` is called, by another's thread, once nobody
  /// needs the answer.
  void begin_request(Session session, std::function<void()> drop);
  /// Whatever came of it; true if it was dropped.
  bool end_request(Session session);
  /// All of it is here and good.
  void put(Session session, const StagedChain& chain);
  /// What was put leads nowhere: our chain is another by now, say.
  void forget();
  /// It fetches no headers any more.
  void end(Session session);

  /// Until something was put or given up, or some milliseconds passed.
  void wait();

 private:
  struct Fetch {
    Tip claimed;
    std::chrono::steady_clock::time_point since;  // Of the request that runs.
    bool is_asking = false;
    unsigned idle_looks = 0;  // Of others, since its last request was over.
    std::function<void()> drop;
    bool is_dropped = false;
  };
  bool contains(const Tip& claimed) const;

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<Session, Fetch> fetches_;
  std::optional<StagedChain> chain_;  // The best.
};

}  // namespace bmsg::node
