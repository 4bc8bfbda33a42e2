#include "lib/mail/chain_walk.h"

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/core/try.h"

namespace bmsg::mail {
namespace {

/// Where to go on, and how far that is back.
struct Start {
  WalkPlace place;
  std::uint32_t rewound = 0;
};

Result<WalkPlace> genesis_place(const node::ChainReader& chain) {
  BMSG_TRY_ASSIGN(const auto hash, chain.hash_at(Height{0}));
  if (!hash) return Error{Errc::corrupt, "the chain has no genesis block"};
  return WalkPlace{.height = {}, .hash = *hash, .pool_arrival = 0};
}

/// The last block that the best chain and the branch of `from` share.
Result<Start> rewind(const node::ChainReader& chain, const WalkPlace& from) {
  Start start{.place = from};
  for (;;) {
    BMSG_TRY_ASSIGN(const auto hash, chain.hash_at(start.place.height));
    if (hash == start.place.hash) break;
    BMSG_TRY_ASSIGN(const auto header, chain.header(start.place.hash));
    // A branch that is not kept any more: all that it could have shown is walked again.
    if (!header || start.place.height.value == 0) {
      BMSG_TRY_ASSIGN(start.place, genesis_place(chain));
      break;
    }
    start.place.hash = header->sealed.header.previous;
    --start.place.height.value;
  }
  start.place.pool_arrival = from.pool_arrival;
  start.rewound = from.height.value - start.place.height.value;
  return start;
}

/// Takes blocks upwards until a limit or the tip is reached.
class Walker {
 public:
  Walker(const node::ChainReader& chain, const WalkLimits& limits, const WalkVisit& visit,
         WalkOf of, Walked& walked)
      : chain_(chain), limits_(limits), visit_(visit), of_(of), walked_(walked) {}

  Result<Done> blocks() {
    // The tip is at hand; what may follow it is looked for in tables of every age.
    BMSG_TRY_ASSIGN(const auto tip, chain_.tip());
    if (tip.height.value <= walked_.place.height.value) return done;
    BMSG_TRY_ASSIGN(const auto headers, chain_.headers(Height{walked_.place.height.value + 1},
                                                       std::max(limits_.blocks, 1u)));
    walked_.more = !headers.empty() && headers.size() >= limits_.blocks;
    std::size_t bytes = 0;
    for (const node::StoredHeader& header : headers) {
      // The best chain has changed since the last call: what was taken stands, the next walk
      // finds the fork.
      const bool linked = header.sealed.header.previous == walked_.place.hash;
      if (!linked || (bytes > 0 && bytes + header.bytes > limits_.bytes)) {
        walked_.more = true;
        return done;
      }
      bytes += header.bytes;
      BMSG_TRY_ASSIGN(const bool there, block(header));
      if (!there) return done;
      ++walked_.place.height.value;
      walked_.place.hash = header.hash;
    }
    return done;
  }

  Result<Done> pool() {
    BMSG_TRY_ASSIGN(const auto pooled, chain_.pool(walked_.place.pool_arrival));
    BMSG_TRY_ASSIGN(const auto completed, chain_.completed(walked_.place.pool_arrival));
    for (const node::Completion& one : completed) BMSG_TRY(complete(one));
    for (const node::PooledMessage& one : pooled) {
      if (is_wanted(one.message)) BMSG_TRY(visit_(one.id, one.message));
      walked_.place.pool_arrival = std::max(walked_.place.pool_arrival, one.arrival + 1);
    }
    return done;
  }

 private:
  bool is_wanted(const Message& message) const {
    return of_ == WalkOf::all || message.head.suite == Suite::open;
  }

  /// False if its heads say that none is. Whether it is still there is found by who reads it.
  Result<bool> has_wanted(const node::StoredHeader& header) const {
    if (of_ == WalkOf::all) return true;
    BMSG_TRY_ASSIGN(const auto heads, chain_.block(header.hash, Bodies::without));
    return !heads || std::ranges::any_of(heads->messages, [this](const Message& message) {
      return is_wanted(message);
    });
  }

  /// Its block was walked before its body came.
  Result<Done> complete(const node::Completion& one) {
    BMSG_TRY_ASSIGN(const auto places, chain_.places_of(one.id));
    if (!places.empty()) {
      BMSG_TRY_ASSIGN(const auto message, chain_.message_at(places.front()));
      if (message && message->body && is_wanted(*message)) BMSG_TRY(visit_(one.id, *message));
    }
    walked_.place.pool_arrival = std::max(walked_.place.pool_arrival, one.arrival + 1);
    return done;
  }

  /// False if the block was forgotten between two reads.
  Result<bool> block(const node::StoredHeader& header) {
    if (header.sealed.header.count == 0) return true;
    BMSG_TRY_ASSIGN(const bool has_any, has_wanted(header));
    if (!has_any) return true;
    BMSG_TRY_ASSIGN(const auto block, chain_.block(header.hash, Bodies::with));
    if (!block) {
      walked_.more = true;
      return false;
    }
    for (const Message& message : block->messages) {
      if (is_wanted(message)) BMSG_TRY(visit_(chain::id_of(message.head), message));
    }
    return true;
  }

  const node::ChainReader& chain_;
  const WalkLimits& limits_;
  const WalkVisit& visit_;
  const WalkOf of_;
  Walked& walked_;
};

}  // namespace

Result<Walked> walk(const node::ChainReader& chain, const std::optional<WalkPlace>& from,
                    const WalkLimits& limits, const WalkVisit& visit, WalkOf of) {
  Walked walked;
  if (from) {
    BMSG_TRY_ASSIGN(const Start start, rewind(chain, *from));
    walked.place = start.place;
    walked.rewound = start.rewound;
  } else {
    BMSG_TRY_ASSIGN(walked.place, genesis_place(chain));
  }
  Walker walker(chain, limits, visit, of, walked);
  BMSG_TRY(walker.blocks());
  if (!walked.more) BMSG_TRY(walker.pool());
  return walked;
}

}  // namespace bmsg::mail
