// ChainState: takes blocks in and keeps the head where fork choice puts it.
//
// A block is judged when its parent is here, so every stored block keeps every rule and the head
// is simply the best of the tips: a pure function of the set of blocks held. Taking off one branch
// and putting on another is one change of the store, whatever its depth.

#pragma once

#include <optional>
#include <vector>

#include "lib/chain/merkle.h"
#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/node/service.h"
#include "lib/node/store.h"

namespace bmsg::node {

/// What a node does not follow by itself, though it is better.
struct ReorgPolicy {
  std::uint32_t depth_max = kReorgDepthMax;      // Blocks taken off.
  std::uint64_t seconds_max = kReorgSecondsMax;  // Since the first of them; whichever is deeper.
};

/// Threads: one at a time.
/// Errors:  as Store.
class ChainState {
 public:
  ChainState(Store& store, const chain::ChainRules& chain, const Clock& clock,
             ReorgPolicy policy = {})
      : store_(store), chain_(chain), clock_(clock), policy_(policy) {}

  /// Judges a block and keeps it. When this returns, what it says is durable.
  Result<BlockOutcome> accept(const Block& block);

  /// Follows the branch that ends at `hash` although policy stopped it. It must be better than the
  /// best chain. Errors: Errc::not_found; Errc::bad_input if it is not better.
  Result<Reorg> follow(const BlockHash& hash);

  /// The tree over the hashes of a stored block's chain, itself included: what its child's `past`
  /// is the root of.
  Result<chain::MerklePeaks> peaks_after(const StoredHeader& block);

 private:
  /// A stored block's way to the best chain.
  struct Path {
    StoredHeader fork;            // On the best chain.
    std::vector<BlockHash> side;  // After it, upwards, to the block itself.
  };
  Result<Path> path_of(const StoredHeader& block) const;
  Result<std::optional<chain::Violation>> find_violation(const Block& block,
                                                         const std::vector<MessageId>& ids,
                                                         const StoredHeader& parent,
                                                         const Path& path);
  Result<bool> is_in(const MessageId& id, const Path& path) const;
  std::optional<chain::Violation> find_missing_body(const Block& block) const;
  Result<bool> policy_allows(const Path& path, const Tip& tip, const BlockHash& hash,
                             Height height) const;
  Result<BlockOutcome> place(ChainChange::Added added, const Path& path);
  Result<Reorg> connect(const Path& path, const Tip& tip, ChainChange change, const Block* added);
  Result<Done> add_disconnected(const Path& path, const Tip& tip, ChainChange& change,
                                Reorg& reorg);
  Result<Done> add_tree(const Path& path, ChainChange& change);

  Store& store_;
  const chain::ChainRules& chain_;
  const Clock& clock_;
  ReorgPolicy policy_;
  std::optional<BlockHash> peaks_of_;  // The block that `peaks_` ends with: blocks come in a row.
  chain::MerklePeaks peaks_;
};

}  // namespace bmsg::node
