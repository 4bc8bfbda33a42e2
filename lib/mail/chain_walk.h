// Walking a chain's messages from where one stopped before, over reorganisations, then the pool,
// and what a light store was given later.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "lib/core/message.h"
#include "lib/core/result.h"
#include "lib/node/store.h"

namespace bmsg::mail {

/// Up to where messages have been seen.
struct WalkPlace {
  Height height;
  BlockHash hash;
  std::uint64_t pool_arrival = 0;  // Pool messages and late bodies below this have been seen.

  bool operator==(const WalkPlace&) const = default;
};

/// Of which messages: where a block has none that anybody can read, its bodies need not be.
enum class WalkOf : std::uint8_t { all, open };

/// How much one walk takes at most: whichever comes first, but at least one block.
struct WalkLimits {
  std::uint32_t blocks = 2000;
  std::size_t bytes = 16u << 20;
};

struct Walked {
  WalkPlace place;
  bool more = false;          // The tip was not reached: walk on from `place`.
  std::uint32_t rewound = 0;  // Blocks by which the place went back to a common ancestor.
};

/// Called for each message, in order. An error ends the walk.
using WalkVisit = std::function<Result<Done>(const MessageId& id, const Message& message)>;

/// Walks on from `from` (nullopt: from genesis). Where the block at `from` has left the best chain,
/// goes back to the last one they share; messages may be visited again then. The pool is walked
/// when the tip was reached.
Result<Walked> walk(const node::ChainReader& chain, const std::optional<WalkPlace>& from,
                    const WalkLimits& limits, const WalkVisit& visit, WalkOf of = WalkOf::all);

}  // namespace bmsg::mail
