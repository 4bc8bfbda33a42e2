// Ranges of blocks, as log and rev-list take them.

#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lib/core/result.h"
#include "lib/node/store.h"

namespace bmsg::cli {

/// Heights of the best chain, both ends included; empty if first > last.
struct BlockRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

/// "A..B" is after A up to B, as in git; either may be missing. Empty: the whole chain.
/// Errors: Errc::bad_usage for other words; as find_block.
Result<BlockRange> block_range(const node::ChainReader& chain, const std::string& text);

enum class Order { newest_first, oldest_first };

/// Visits the headers of a range in batches, until `visit` says false.
Result<Done> visit_headers(const node::ChainReader& chain, const BlockRange& range, Order order,
                           const std::function<Result<bool>(const node::StoredHeader&)>& visit);

}  // namespace bmsg::cli
