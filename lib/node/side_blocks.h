// SideBlocks: what is kept beside the best chain, by hash, without asking the store for each.

#pragma once

#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lib/node/store.h"

namespace bmsg::node {

/// An index of the side branches. A long branch that comes in block by block is walked here.
/// Threads: one at a time.
/// Errors:  as Store; Errc::corrupt if a stored block has no parent.
class SideBlocks {
 public:
  explicit SideBlocks(const Store& store) : store_(store) {}

  /// Reads it from the store, unless that is done.
  Result<Done> load();
  /// The store holds something else than this says: read it again when it is next needed.
  void forget_index() { loaded_ = false; }

  void add(const StoredHeader& block);
  void remove(const BlockHash& hash);

  /// The last blocks of the branches, least total work first.
  std::vector<BlockHash> leaves() const;

  /// The blocks from the one after the best chain up to `hash`; empty if it is not beside.
  std::vector<BlockHash> branch_to(const BlockHash& hash) const;
  /// In no order.
  std::vector<BlockHash> children_of(const BlockHash& parent) const;
  bool contains(const BlockHash& hash) const { return blocks_.contains(hash); }

  /// The end of the branch with the most total work; there must be one.
  const BlockHash& best_leaf() const { return leaves_.rbegin()->second; }

  /// Whole leaves to drop, least total work first, until at most `bytes` are held. The block `keep`
  /// and what it stands on stay, whatever that comes to, and of the branch with the most work the
  /// first `best_bytes`.
  std::vector<BlockHash> surplus(std::uint64_t bytes, const BlockHash& keep,
                                 std::uint64_t best_bytes) const;
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Entry {
    BlockHash previous;
    Work work;
    std::uint64_t bytes = 0;
  };
  using Leaves = std::set<std::pair<Work, BlockHash>>;

  const Store& store_;
  bool loaded_ = false;
  std::unordered_map<BlockHash, Entry, FixedBytesHash> blocks_;
  std::unordered_map<BlockHash, std::uint32_t, FixedBytesHash> children_;  // By parent.
  Leaves leaves_;
  std::uint64_t bytes_ = 0;
};

}  // namespace bmsg::node
