// TreeRows: the stored tree over the blocks, read row by row ahead of whoever compares it.

#pragma once

#include <cstdint>
#include <vector>

#include "lib/core/ids.h"
#include "lib/node/bulk_reader.h"

namespace bmsg::node {

/// Memory: two nodes for each leaf that is expected.
class TreeRows {
 public:
  explicit TreeRows(const BulkReader& store) : store_(store) {}

  /// Reads all nodes that `count` leaves from `leaf` onwards complete.
  void expect(std::uint64_t leaf, std::uint64_t count);
  /// Whether that node was read and is so. False says nothing.
  bool has(std::uint8_t level, std::uint64_t index, const Digest& digest) const;

 private:
  struct Row {
    std::uint64_t first = 0;
    std::vector<Digest> nodes;
  };

  const BulkReader& store_;
  std::vector<Row> rows_;  // By level.
};

}  // namespace bmsg::node
