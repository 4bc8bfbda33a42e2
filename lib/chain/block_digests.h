// What the rules compare of a block's messages, hashed for many messages at once.

#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/core/block.h"
#include "lib/core/ids.h"

namespace bmsg::chain {

/// Of the messages of one block, in its order.
struct BlockDigests {
  std::vector<MessageId> ids;
  std::vector<std::uint64_t> stamps;  // What stamp_value() says of each.
  std::vector<BodyHash> bodies;       // Zeros where there is no body.
  MerkleRoot root;
};

/// Of each block. The more messages there are in all, the less each costs.
std::vector<BlockDigests> digests_of(std::span<const Block> blocks);

/// The ids of the messages as they stand in `block`, hashed together.
std::vector<MessageId> ids_of(const Block& block);

}  // namespace bmsg::chain
