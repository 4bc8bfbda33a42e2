// BulkReader: reading a whole chain in the order in which it lies. A store may have it beside
// ChainReader.

#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "lib/core/block.h"
#include "lib/core/ids.h"
#include "lib/core/result.h"
#include "lib/node/store.h"

namespace bmsg::node {

/// A block of the best chain. The store finds it by its hash, too.
struct KeptBlock {
  BlockHash hash;
  std::uint64_t number = 0;  // The store's own, by which BulkReader::places() names it.
};

/// Blocks one after the other; `kept[i]` belongs to `blocks[i]`.
struct KeptBlocks {
  std::vector<KeptBlock> kept;
  std::vector<Block> blocks;
};

/// Where the index says that a message stands.
struct KeptPlace {
  std::uint64_t number = 0;  // Of a block.
  std::uint32_t index = 0;
  Branch branch = Branch::main;  // Side if the number is that of a side block.
};

/// Threads: any, beside one writer.
/// Errors:  Errc::io if the disk fails; Errc::corrupt if a record does not decode.
class BulkReader {
 public:
  /// The first bytes of an id, as many as the index keeps, and all places of the ids with them.
  using VisitPlaces = std::function<void(ByteView id, std::span<const KeptPlace> places)>;
  static constexpr std::size_t kIdBytes = 16;

  virtual ~BulkReader() = default;

  /// Those of the best chain from `from` upwards, up to `count`, with the bodies that are here;
  /// fewer at the tip.
  virtual Result<KeptBlocks> blocks(Height from, std::uint32_t count) const = 0;
  /// The nodes of a level of the tree over the best chain, from that index upwards, up to `count`;
  /// fewer where one is missing.
  virtual Result<std::vector<Digest>> tree_row(std::uint8_t level, std::uint64_t index,
                                               std::uint64_t count) const = 0;
  /// The whole index, as far as the first bytes of ids are `first` to `last`, in the order of ids.
  virtual Result<Done> places(std::uint8_t first, std::uint8_t last,
                              const VisitPlaces& visit) const = 0;
  /// Whether the index has this message there and nowhere else.
  virtual Result<bool> stands_only_at(const MessageId& id, std::uint64_t number,
                                      std::uint32_t index) const = 0;
};

}  // namespace bmsg::node
