#include "lib/node/proofs.h"

#include <fmt/format.h>

#include "lib/chain/block_hash.h"
#include "lib/chain/merkle.h"
#include "lib/core/try.h"

namespace bmsg::node {
namespace {

Error lacks(std::string_view what) {
  return Error{Errc::corrupt, fmt::format("the store lacks {}", what),
               "'bmsg verify' tells what else is wrong"};
}

Result<Digest> root_of_range(const ChainReader& chain, chain::LeafRange range) {
  std::vector<Digest> roots;
  for (const chain::Subtree& subtree : chain::subtrees_of(range)) {
    BMSG_TRY_ASSIGN(const auto root, chain.tree_node(subtree.level, subtree.index));
    if (!root) return lacks("a node of the tree over its blocks");
    roots.push_back(*root);
  }
  return chain::join(roots);
}

Result<StoredHeader> header_at(const ChainReader& chain, Height height) {
  BMSG_TRY_ASSIGN(const auto hash, chain.hash_at(height));
  if (!hash) return lacks(fmt::format("block {}", height.value));
  BMSG_TRY_ASSIGN(auto header, chain.header(*hash));
  if (!header) return lacks(fmt::format("the header of block {}", height.value));
  return std::move(*header);
}

}  // namespace

Result<MerkleRoot> root_of_first(const ChainReader& chain, std::uint32_t size) {
  BMSG_TRY_ASSIGN(const Digest root, root_of_range(chain, {0, size}));
  return relabel<MerkleRoot>(root);
}

Result<std::vector<Digest>> path_to_past(const ChainReader& chain, Height block, Height anchor) {
  std::vector<Digest> path;
  for (const chain::LeafRange& range : chain::inclusion_ranges(block.value, anchor.value)) {
    BMSG_TRY_ASSIGN(const Digest root, root_of_range(chain, range));
    path.push_back(root);
  }
  return path;
}

Result<chain::Receipt> make_receipt(const ChainReader& chain, const ChainId& id,
                                    const MessagePlace& place, std::optional<Height> anchor) {
  BMSG_TRY_ASSIGN(auto block, chain.block(place.block, Bodies::without));
  if (!block || place.index >= block->messages.size()) return lacks("the message's block");
  std::vector<Digest> leaves;
  for (const Message& message : block->messages)
    leaves.push_back(chain::leaf_of(chain::id_of(message.head), message.nonce));
  const Message& message = block->messages[place.index];
  chain::Receipt receipt{.chain = id,
                         .head = message.head,
                         .nonce = message.nonce,
                         .index = place.index,
                         .path = chain::inclusion_proof(leaves, place.index),
                         .sealed = {block->header, block->seal},
                         .anchor = {},
                         .past = {},
                         .body = {},
                         .key = {}};
  if (!anchor) return receipt;
  BMSG_TRY_ASSIGN(const auto above, header_at(chain, *anchor));
  receipt.anchor = above.sealed.header;
  BMSG_TRY_ASSIGN(receipt.past, path_to_past(chain, place.height, *anchor));
  return receipt;
}

}  // namespace bmsg::node
