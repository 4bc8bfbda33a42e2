// RulesBook: which rules hold for a block. Charters change them, each branch its own.

#pragma once

#include <unordered_map>

#include "lib/chain/rules_text.h"
#include "lib/node/store.h"

namespace bmsg::node {

/// Threads: one at a time.
/// Errors:  as Store; Errc::corrupt for a stored charter that is none.
class RulesBook {
 public:
  /// Both must outlive it.
  RulesBook(const ChainReader& store, const chain::ChainRules& first)
      : store_(store), first_(first) {}

  /// The rules for a child of this stored block. The answer stays as long as the book.
  Result<const chain::ChainRules*> after(const BlockHash& hash, const Header& header);

  /// A block with a charter was stored.
  Result<Done> add(const StoredCharter& charter);

 private:
  Result<Done> load();

  const ChainReader& store_;
  const chain::ChainRules& first_;
  bool loaded_ = false;
  std::unordered_map<BlockHash, chain::ChainRules, FixedBytesHash> by_block_;
};

/// The same for one block of any store. Errors: as RulesBook.
Result<chain::ChainRules> rules_after(const ChainReader& store, const chain::ChainRules& first,
                                      const BlockHash& hash, const Header& header);

}  // namespace bmsg::node
