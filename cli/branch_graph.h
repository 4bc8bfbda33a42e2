// The branches of a chain as columns of text, as `git log --graph` draws them.

#pragma once

#include <string>
#include <vector>

#include "lib/node/store.h"

namespace bmsg::cli {

/// Blocks beside the best chain, from each tip down to where it leaves what was listed before.
struct SideBranch {
  std::vector<node::StoredHeader> blocks;  // Newest first.

  std::uint32_t first() const { return blocks.back().sealed.header.height.value; }
  std::uint32_t last() const { return blocks.front().sealed.header.height.value; }
};

/// Every side branch that is stored. Errors: as ChainReader.
Result<std::vector<SideBranch>> side_branches(const node::ChainReader& chain);

/// What stands before a block: `column` 0 is the best chain, 1 the first side branch.
std::string graph_mark(const std::vector<SideBranch>& branches, std::size_t column,
                       std::uint32_t height);

/// The line below a height that shows where branches leave; empty if none does.
std::string graph_joins(const std::vector<SideBranch>& branches, std::uint32_t height);

}  // namespace bmsg::cli
