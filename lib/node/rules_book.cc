#include "lib/node/rules_book.h"

#include <utility>

#include "lib/chain/charter.h"
#include "lib/core/try.h"

namespace bmsg::node {

Result<Done> RulesBook::add(const StoredCharter& charter) {
  auto rules = chain::parse_rules_of(first_.id, charter.rules_text);
  if (!rules) return Error{Errc::corrupt, "a stored charter holds no rules"};
  by_block_.insert_or_assign(charter.block, std::move(rules).value());
  return done;
}

Result<Done> RulesBook::load() {
  if (loaded_) return done;
  BMSG_TRY_ASSIGN(const auto charters, store_.charters());
  for (const StoredCharter& one : charters) BMSG_TRY(add(one));
  loaded_ = true;
  return done;
}

Result<const chain::ChainRules*> RulesBook::after(const BlockHash& hash, const Header& header) {
  if (first_.rules.mode == chain::Mode::pow) return &first_;
  BMSG_TRY(load());
  if (const auto found = by_block_.find(hash); found != by_block_.end()) return &found->second;
  if (header.rules == first_.tag) return &first_;
  for (const auto& [block, rules] : by_block_) {
    if (rules.tag == header.rules) return &rules;
  }
  return Error{Errc::corrupt, "the store lacks the charter that a block follows"};
}

Result<chain::ChainRules> rules_after(const ChainReader& store, const chain::ChainRules& first,
                                      const BlockHash& hash, const Header& header) {
  RulesBook book(store, first);
  BMSG_TRY_ASSIGN(const auto rules, book.after(hash, header));
  return *rules;
}

}  // namespace bmsg::node
