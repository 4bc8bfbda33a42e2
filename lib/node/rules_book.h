// RulesBook: which rules hold for a block. Charters change them, each branch its own.

#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

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

/// The rules for the block after the best one. Errors: as RulesBook.
Result<chain::ChainRules> rules_at_tip(const ChainReader& store);

/// Rules by the tag that headers have, if this chain ever had them on any branch that is stored.
Result<std::optional<chain::ChainRules>> rules_with_tag(const ChainReader& store,
                                                        const RulesTag& tag);

/// A version of a chain's rules, and the block that brought it.
struct ChartedRules {
  chain::ChainRules rules;
  Height height;  // Of genesis, for the first rules.
  BlockHash block;
  UnixSeconds time;
  MessageId message = {};  // The charter; none for the first rules.
  Seal votes = {};         // Of endorsers of the version before.
};
/// All versions that hold on the best chain, upwards. Errors: as RulesBook.
Result<std::vector<ChartedRules>> charted_rules(const ChainReader& store);

}  // namespace bmsg::node
