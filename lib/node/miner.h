// Miner: the search for a block's nonce, on all threads, stoppable, without a lock.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>

#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/core/entropy.h"
#include "lib/node/service.h"

namespace bmsg::node {

/// How far a search has come.
struct MiningProgress {
  std::uint64_t hashes = 0;
  double seconds = 0;
  double expected_hashes = 0;  // On average, at the target of now.
};

struct MiningWish {
  unsigned threads = 1;
  /// Called five times a second and when a nonce was found, from the calling thread; false ends
  /// the search.
  std::function<bool(const MiningProgress&)> on_progress;
};

/// A block dated further ahead of our clock than this would be a lie; faster than one block a
/// second we wait.
inline constexpr std::uint64_t kMinedAheadSecondsMax = 60;

/// Searches until a nonce is found. nullopt if `stop` was asked for (within 100 ms), or if a
/// message of the block has expired meanwhile: the caller takes a new template then. Time and bits
/// of the block follow the clock while it searches. Errors: Errc::bad_usage on an endorse chain.
Result<std::optional<Block>> mine(const BlockTemplate& work, const chain::ChainRules& chain,
                                  const Clock& clock, Entropy& entropy, const MiningWish& wish,
                                  std::stop_token stop);

/// Searches the nonce of a block as it is, time and bits included; needs no chain. nullopt if it
/// was stopped. Errors: Errc::bad_input if its bits name no target.
Result<std::optional<Block>> find_nonce(Block block, const Clock& clock, Entropy& entropy,
                                        const MiningWish& wish, std::stop_token stop);

}  // namespace bmsg::node
