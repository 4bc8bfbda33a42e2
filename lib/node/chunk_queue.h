// ChunkQueue: the chunks of one file that several peers give at once. Who fetches which.
//
// Each peer takes what it holds, that which the fewest others hold first, some at a time; what one
// fails to bring the others take, and what it is slow with, too. A chunk is known by its id, so
// whoever lies costs one chunk.

#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "lib/core/clock.h"
#include "lib/core/ids.h"

namespace bmsg::node {

/// A peer is asked for so many at once.
inline constexpr std::size_t kChunksInFlight = 4;
/// After so long others fetch what a slow peer was asked for, too.
inline constexpr std::chrono::seconds kChunkPatience{5};

/// Each peer is known by a number of the caller's.
/// Threads: any.
class ChunkQueue {
 public:
  using Peer = std::size_t;

  ChunkQueue(const Clock& clock, std::vector<MessageId> wanted);

  const std::vector<MessageId>& wanted() const { return wanted_; }
  /// Which of the wanted this peer holds, in their order.
  void join(Peer peer, const std::vector<bool>& holds);
  /// It gives nothing more: what it fetches others may.
  void leave(Peer peer);

  /// Numbers of the wanted to ask this peer for; none: others are at all that it holds.
  std::vector<std::size_t> claim(Peer peer);
  /// It is here.
  void note_arrived(std::size_t number);
  /// The peer does not have it after all.
  void note_absent(Peer peer, std::size_t number);
  /// It was asked and that is over, whatever came of it.
  void unclaim(Peer peer);

  bool is_arrived(std::size_t number) const;
  /// Whether this peer may have to be asked for more.
  bool is_needed(Peer peer) const;
  /// Whether any peer that is left may bring it.
  bool is_hopeless(std::size_t number) const;

  /// Until something came or some milliseconds passed.
  void wait();

 private:
  struct Chunk {
    bool is_arrived = false;
    std::vector<Peer> holders;
    std::vector<Peer> askers;  // Who fetches it now.
    std::chrono::steady_clock::time_point since;
  };
  bool is_free(const Chunk& chunk, Peer peer) const;

  const Clock& clock_;
  const std::vector<MessageId> wanted_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Chunk> chunks_;
};

}  // namespace bmsg::node
