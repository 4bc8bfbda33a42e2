// Proofs from a stored chain: that a message stands in a block, and a block below another.

#pragma once

#include <vector>

#include "lib/chain/receipt.h"
#include "lib/node/store.h"

namespace bmsg::node {

// Errors of all: Errc::corrupt if the store lacks a part that it must have; as ChainReader.

/// The root over the hashes of the first `size` blocks of the best chain, which must be there.
Result<MerkleRoot> root_of_first(const ChainReader& chain, std::uint32_t size);

/// The path from a block of the best chain to the `past` of a later one's header.
Result<std::vector<Digest>> path_to_past(const ChainReader& chain, Height block, Height anchor);

/// A receipt without body and key for a message of the best chain. An anchor must lie above it.
Result<chain::Receipt> make_receipt(const ChainReader& chain, const ChainId& id,
                                    const MessagePlace& place, std::optional<Height> anchor);

}  // namespace bmsg::node
