#include "cli/block_range.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/refs.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

constexpr std::uint32_t kFirstBatch = 32;  // Whoever looks at the newest ones looks at few.
constexpr std::uint32_t kBatchMax = 1024;

/// The height of a block of the best chain: of another, the blocks between would be others.
Result<std::uint32_t> height_of(const node::ChainReader& chain, const std::string& name) {
  BMSG_TRY_ASSIGN(const auto block, find_block(chain, name));
  if (block.branch == node::Branch::main) return block.sealed.header.height.value;
  return Error{Errc::not_found,
               fmt::format("block {} is not on the best chain, or not any more", name),
               "'bmsg log --graph' shows where the branches part"};
}

}  // namespace

Result<BlockRange> block_range(const node::ChainReader& chain, const std::string& text) {
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  BlockRange range{0, tip.height.value};
  if (text.empty()) return range;
  const auto dots = text.find("..");
  if (dots == std::string::npos)
    return Error{Errc::bad_usage, fmt::format("'{}' is no range A..B", text)};
  const std::string from = text.substr(0, dots);
  const std::string to = text.substr(dots + 2);
  if (!from.empty()) {
    BMSG_TRY_ASSIGN(const auto height, height_of(chain, from));
    range.first = height + 1;
  }
  if (!to.empty()) {
    BMSG_TRY_ASSIGN(range.last, height_of(chain, to));
  }
  return range;
}

Result<Done> visit_headers(const node::ChainReader& chain, const BlockRange& range, Order order,
                           const std::function<Result<bool>(const node::StoredHeader&)>& visit) {
  if (range.first > range.last) return done;
  const std::uint32_t total = range.last - range.first + 1;
  std::uint32_t at_once = kFirstBatch;
  for (std::uint32_t visited = 0; visited < total;) {
    const std::uint32_t batch = std::min(at_once, total - visited);
    at_once = std::min(2 * at_once, kBatchMax);
    const std::uint32_t from =
        order == Order::oldest_first ? range.first + visited : range.last - visited - batch + 1;
    BMSG_TRY_ASSIGN(auto headers, chain.headers(Height{from}, batch));
    if (headers.empty()) return done;
    if (order == Order::newest_first) std::ranges::reverse(headers);
    for (const node::StoredHeader& stored : headers) {
      BMSG_TRY_ASSIGN(const bool goes_on, visit(stored));
      if (!goes_on) return done;
    }
    visited += batch;
  }
  return done;
}

}  // namespace bmsg::cli
