#include "lib/node/rules_book.h"

#include <algorithm>
#include <utility>

#include "lib/chain/block_hash.h"
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

namespace {

Result<chain::ChainRules> first_rules(const ChainReader& store) {
  BMSG_TRY_ASSIGN(const auto text, store.rules_text());
  auto first = chain::parse_chain_rules(text);
  if (!first) return Error{Errc::corrupt, "the store's first rules text is damaged"};
  return first;
}

/// Those of a block of the best chain, with who voted for them; nullopt on another branch.
Result<std::optional<ChartedRules>> charted_by(const ChainReader& store, const ChainId& chain,
                                               const StoredCharter& charter) {
  BMSG_TRY_ASSIGN(const auto header, store.header(charter.block));
  if (!header || header->branch != Branch::main) return std::optional<ChartedRules>();
  const Error lost{Errc::corrupt, "the store lacks a charter of its best chain",
                   "'bmsg verify' tells what else is wrong"};
  auto rules = chain::parse_rules_of(chain, charter.rules_text);
  BMSG_TRY_ASSIGN(const auto block, store.block(charter.block, Bodies::without));
  if (!rules || !block) return lost;
  const auto carrier = std::ranges::find_if(block->messages, [](const Message& message) {
    return message.head.suite == Suite::charter && message.body;
  });
  if (carrier == block->messages.end()) return lost;
  auto votes = chain::decode_charter(*carrier->body);
  if (!votes) return lost;
  const Header& at = header->sealed.header;
  return std::optional(ChartedRules{std::move(rules).value(), at.height, charter.block, at.time,
                                    chain::id_of(carrier->head), std::move(votes).value().votes});
}

}  // namespace

Result<chain::ChainRules> rules_at_tip(const ChainReader& store) {
  BMSG_TRY_ASSIGN(auto first, first_rules(store));
  if (first.rules.mode == chain::Mode::pow) return first;
  BMSG_TRY_ASSIGN(const auto tip, store.tip());
  BMSG_TRY_ASSIGN(const auto header, store.header(tip.hash));
  if (!header) return Error{Errc::corrupt, "the store lacks its tip"};
  return rules_after(store, first, tip.hash, header->sealed.header);
}

Result<std::optional<chain::ChainRules>> rules_with_tag(const ChainReader& store,
                                                        const RulesTag& tag) {
  BMSG_TRY_ASSIGN(auto first, first_rules(store));
  if (first.tag == tag) return std::optional(std::move(first));
  BMSG_TRY_ASSIGN(const auto charters, store.charters());
  for (const StoredCharter& one : charters) {
    auto rules = chain::parse_rules_of(first.id, one.rules_text);
    if (!rules) return Error{Errc::corrupt, "a stored charter holds no rules"};
    if (rules.value().tag == tag) return std::optional(std::move(rules).value());
  }
  return std::optional<chain::ChainRules>();
}

Result<std::vector<ChartedRules>> charted_rules(const ChainReader& store) {
  BMSG_TRY_ASSIGN(auto first, first_rules(store));
  BMSG_TRY_ASSIGN(const auto genesis, store.headers(Height{0}, 1));
  if (genesis.empty()) return Error{Errc::corrupt, "the store lacks genesis"};
  const ChainId chain = first.id;
  std::vector<ChartedRules> versions;
  versions.push_back({.rules = std::move(first),
                      .height = Height{0},
                      .block = genesis.front().hash,
                      .time = genesis.front().sealed.header.time});
  BMSG_TRY_ASSIGN(const auto charters, store.charters());
  for (const StoredCharter& one : charters) {
    BMSG_TRY_ASSIGN(auto charted, charted_by(store, chain, one));
    if (charted) versions.push_back(std::move(*charted));
  }
  std::ranges::sort(versions, {}, &ChartedRules::height);
  return versions;
}

}  // namespace bmsg::node
