// The rules that one header must keep, given its parent. Pure: no clock, no store, no network.

#pragma once

#include <optional>

#include "lib/chain/rules.h"
#include "lib/chain/rules_text.h"
#include "lib/core/header.h"

namespace bmsg::chain {

/// What a header is judged against. The caller has read the parent from the store.
struct HeaderContext {
  const ChainRules& chain;  // The rules in force for this block.
  const Header& parent;
  BlockHash parent_hash;
  MerkleRoot past;  // Over the hashes of blocks 0 to the parent's height.
  /// Signatures that are enough on an endorse chain: as many as the rules say, or 1 for a proposal.
  std::optional<std::size_t> signatures_needed = {};
  std::optional<BlockHash> hash = {};  // Of the header, where the caller has computed it.
};

/// Finds the first rule, in Rule order, that the header or its seal breaks; nullopt if it keeps
/// all. The local clock is not asked: a block from the future is held by the node, not refused.
/// Source: bmsg-format(5), "Header rules".
std::optional<Violation> find_violation(const SealedHeader& sealed, const HeaderContext& context);

/// The work that this header adds to its chain. It must keep the rules.
Work work_of(const ChainRules& chain, const Header& header);

}  // namespace bmsg::chain
