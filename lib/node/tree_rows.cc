#include "lib/node/tree_rows.h"

#include <utility>

namespace bmsg::node {

void TreeRows::expect(std::uint64_t leaf, std::uint64_t count) {
  rows_.clear();
  for (std::uint8_t level = 0; ((leaf + count) >> level) > 0; ++level) {
    const std::uint64_t first = leaf >> level;
    auto nodes = store_.tree_row(level, first, ((leaf + count) >> level) - first);
    rows_.push_back({first, nodes ? std::move(nodes).value() : std::vector<Digest>()});
  }
}

bool TreeRows::has(std::uint8_t level, std::uint64_t index, const Digest& digest) const {
  if (level >= rows_.size() || index < rows_[level].first) return false;
  const Row& row = rows_[level];
  return index - row.first < row.nodes.size() && row.nodes[index - row.first] == digest;
}

}  // namespace bmsg::node
