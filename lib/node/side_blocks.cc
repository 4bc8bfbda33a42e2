#include "lib/node/side_blocks.h"

#include <algorithm>
#include <unordered_set>

#include "lib/core/limits.h"
#include "lib/core/try.h"

namespace bmsg::node {

namespace {

/// What a block of the best branch counts for at least: the index of many small ones takes memory.
constexpr std::uint64_t kBestBlockBytesMin = 16 * 1024;

}  // namespace

Result<Done> SideBlocks::load() {
  if (loaded_) return done;
  blocks_.clear();
  children_.clear();
  leaves_.clear();
  bytes_ = 0;
  BMSG_TRY_ASSIGN(const auto tips, store_.tips());
  for (const StoredHeader& tip : tips) {
    std::vector<StoredHeader> branch;
    for (StoredHeader at = tip; at.branch == Branch::side && !blocks_.contains(at.hash);) {
      branch.push_back(at);
      BMSG_TRY_ASSIGN(auto parent, store_.header(at.sealed.header.previous));
      if (!parent) return Error{Errc::corrupt, "the store lacks the parent of a stored block"};
      at = std::move(*parent);
    }
    for (auto at = branch.rbegin(); at != branch.rend(); ++at) add(*at);
  }
  loaded_ = true;
  return done;
}

void SideBlocks::add(const StoredHeader& block) {
  const BlockHash& previous = block.sealed.header.previous;
  // Empty blocks cost room too.
  const Entry entry{previous, block.total_work, block.bytes + kHeaderBytes};
  if (!blocks_.emplace(block.hash, entry).second) return;
  bytes_ += entry.bytes;
  if (!children_.contains(block.hash)) leaves_.emplace(entry.work, block.hash);
  ++children_[previous];
  if (const auto parent = blocks_.find(previous); parent != blocks_.end())
    leaves_.erase({parent->second.work, previous});
}

void SideBlocks::remove(const BlockHash& hash) {
  const auto found = blocks_.find(hash);
  if (found == blocks_.end()) return;
  const BlockHash previous = found->second.previous;
  bytes_ -= found->second.bytes;
  leaves_.erase({found->second.work, hash});
  blocks_.erase(found);
  const auto siblings = children_.find(previous);
  if (--siblings->second > 0) return;
  children_.erase(siblings);
  if (const auto parent = blocks_.find(previous); parent != blocks_.end())
    leaves_.emplace(parent->second.work, previous);
}

std::vector<BlockHash> SideBlocks::leaves() const {
  std::vector<BlockHash> hashes;
  for (const auto& [work, hash] : leaves_) hashes.push_back(hash);
  return hashes;
}

std::vector<BlockHash> SideBlocks::branch_to(const BlockHash& hash) const {
  std::vector<BlockHash> branch;
  for (auto at = blocks_.find(hash); at != blocks_.end(); at = blocks_.find(at->second.previous)) {
    branch.push_back(at->first);
  }
  std::ranges::reverse(branch);
  return branch;
}

std::vector<BlockHash> SideBlocks::children_of(const BlockHash& parent) const {
  std::vector<BlockHash> children;
  if (!children_.contains(parent)) return children;
  for (const auto& [hash, entry] : blocks_) {
    if (entry.previous == parent) children.push_back(hash);
  }
  return children;
}

std::vector<BlockHash> SideBlocks::surplus(std::uint64_t bytes, const BlockHash& keep,
                                           std::uint64_t best_bytes) const {
  std::vector<BlockHash> dropped;
  if (bytes_ <= bytes) return dropped;
  const auto kept_branch = branch_to(keep);
  std::unordered_set<BlockHash, FixedBytesHash> kept(kept_branch.begin(), kept_branch.end());
  for (const BlockHash& hash : branch_to(best_leaf())) {
    const std::uint64_t size = std::max(blocks_.find(hash)->second.bytes, kBestBlockBytesMin);
    if (size > best_bytes) break;
    best_bytes -= size;
    kept.insert(hash);
  }
  std::unordered_map<BlockHash, std::uint32_t, FixedBytesHash> gone;  // Children, by parent.
  std::uint64_t left = bytes_;
  for (const auto& [work, leaf] : leaves_) {
    // What it stood on has still less work, and is the next to go once nothing stands on it.
    for (auto at = blocks_.find(leaf); at != blocks_.end() && left > bytes;) {
      const auto children = children_.find(at->first);
      const bool bare = children == children_.end() || children->second == gone[at->first];
      if (!bare || kept.contains(at->first)) break;
      dropped.push_back(at->first);
      left -= at->second.bytes;
      ++gone[at->second.previous];
      at = blocks_.find(at->second.previous);
    }
    if (left <= bytes) break;
  }
  return dropped;
}

}  // namespace bmsg::node
