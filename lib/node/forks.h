// Branches that are better than the best chain and were not followed: policy stopped them.

#pragma once

#include <cstdint>
#include <vector>

#include "lib/node/store.h"

namespace bmsg::node {

/// A better branch that is kept beside the best chain.
struct Fork {
  StoredHeader tip;
  Height base;              // The last block that it has in common with the best chain.
  std::uint32_t depth = 0;  // Blocks that following it would take off.
};

/// Best first. Errors: as ChainReader; Errc::corrupt if a stored block has no parent.
Result<std::vector<Fork>> find_forks(const ChainReader& chain);

}  // namespace bmsg::node
