// ChainState: what is not followed, though it is better.

#include <algorithm>

#include "lib/core/try.h"
#include "lib/node/chain_state.h"

namespace bmsg::node {

Result<bool> ChainState::checkpoints_allow(const Path& path, const Tip& tip, const BlockHash& hash,
                                           Height height) const {
  BMSG_TRY_ASSIGN(const auto checkpoints, store_.checkpoints());
  const std::uint32_t fork = path.fork.sealed.header.height.value;
  for (const Checkpoint& checkpoint : checkpoints) {
    if (checkpoint.height.value <= fork) continue;
    if (checkpoint.height > height) {
      // More work in fewer blocks: it must not take the checkpoint off without having one.
      if (checkpoint.height > tip.height) continue;
      BMSG_TRY_ASSIGN(const auto ours, store_.hash_at(checkpoint.height));
      if (ours == checkpoint.hash) return false;
      continue;
    }
    const std::size_t at = checkpoint.height.value - fork - 1;
    const BlockHash& there = at < path.side.size() ? path.side[at] : hash;
    if (there != checkpoint.hash) return false;
  }
  return true;
}

bool is_settled(const Header& block, const Tip& tip, chain::Mode mode, const ReorgPolicy& policy) {
  const bool endorsed = mode == chain::Mode::endorse;
  const std::uint64_t depth_max = endorsed ? policy.endorsed_depth_max : policy.depth_max;
  if (block.height.value + depth_max >= tip.height.value) return false;
  return endorsed || block.time.value + policy.seconds_max < tip.time.value;
}

Result<std::optional<Height>> highest_settled(const ChainReader& chain, chain::Mode mode,
                                              const ReorgPolicy& policy) {
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  std::uint32_t settled = 0;  // So many blocks, from the first on.
  std::uint32_t end = tip.height.value + 1;
  while (settled < end) {
    const std::uint32_t middle = settled + (end - settled) / 2;
    BMSG_TRY_ASSIGN(const auto headers, chain.headers(Height{middle}, 1));
    if (headers.empty()) return Error{Errc::corrupt, "the store lacks a block of its best chain"};
    if (is_settled(headers.front().sealed.header, tip, mode, policy)) {
      settled = middle + 1;
    } else {
      end = middle;
    }
  }
  if (settled == 0) return std::optional<Height>();
  return std::optional(Height{settled - 1});
}

Result<bool> ChainState::policy_allows(const Path& path, const Tip& tip, const BlockHash& hash,
                                       Height height) const {
  BMSG_TRY_ASSIGN(const bool allowed, checkpoints_allow(path, tip, hash, height));
  if (!allowed) return false;
  const std::uint32_t fork = path.fork.sealed.header.height.value;
  const std::uint32_t depth = tip.height.value - fork;
  if (chain_.rules.mode == chain::Mode::endorse) return depth <= policy_.endorsed_depth_max;
  if (depth <= policy_.depth_max) return true;
  BMSG_TRY_ASSIGN(const auto first, store_.headers(Height{fork + 1}, 1));
  if (first.empty()) return Error{Errc::corrupt, "the store lacks a block of its best chain"};
  return tip.time.value - std::min(tip.time.value, first.front().sealed.header.time.value) <=
         policy_.seconds_max;
}

/// What is dropped beside the best chain for a block that comes. A branch that may yet become the
/// best is not: it comes block by block, and may be larger than all that is kept else.
Result<std::vector<BlockHash>> ChainState::surplus(const BlockHash& last) const {
  if (side_.bytes() <= policy_.side_bytes_max) return std::vector<BlockHash>();
  const auto best = side_.branch_to(side_.best_leaf());
  if (best.back() == last) return side_.surplus(policy_.side_bytes_max, last, 0);
  BMSG_TRY_ASSIGN(const auto tip, store_.tip());
  BMSG_TRY_ASSIGN(const auto first, store_.header(best.front()));
  if (!first) return Error{Errc::corrupt, "the store lacks a block of a side branch"};
  BMSG_TRY_ASSIGN(const auto fork, store_.header(first->sealed.header.previous));
  if (!fork) return Error{Errc::corrupt, "the store lacks the parent of a stored block"};
  const bool is_late = is_settled(fork->sealed.header, tip, chain_.rules.mode, policy_);
  return side_.surplus(policy_.side_bytes_max, last, is_late ? 0 : policy_.side_branch_bytes_max);
}

}  // namespace bmsg::node
