// What every node::Store does with proposals, charters and evidence, as one suite. A Maker is as in
// store_contract.h.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lib/chain/evidence.h"
#include "lib/node/store.h"
#include "tests/support/endorsers.h"

namespace bmsg {

template <class Maker>
class EndorsedContract : public testing::Test {
 protected:
  node::Store& store() { return maker_.store(); }
  void apply(const node::EndorsedChange& change) {
    node::ChainChange whole;
    whole.endorsed = change;
    const auto applied = store().apply(whole);
    ASSERT_TRUE(bool(applied)) << applied.error().message;
  }
  /// A child of genesis so many seconds later, signed by these, with a message.
  Block child(std::uint64_t later, const Indices& signers) {
    const Header genesis = builder_.genesis();
    return signed_by(builder_,
                     builder_.block(genesis, {builder_.public_message("m", genesis.time)},
                                    UnixSeconds{genesis.time.value + later}),
                     signers);
  }
  static node::Proposal proposal(const Block& block) {
    return {chain::hash_of(block.header), block};
  }
  std::vector<chain::Evidence> evidence(const Block& one, const Block& other) {
    return chain::find_evidence(builder_.chain(), builder_.genesis(), {one.header, one.seal},
                                {other.header, other.seal});
  }

  ChainBuilder builder_{endorse_rules_text(2, 3)};
  Maker maker_{builder_.rules_text()};
};

TYPED_TEST_SUITE_P(EndorsedContract);

TYPED_TEST_P(EndorsedContract, BeginsWithNothing) {
  EXPECT_TRUE(this->store().proposals().value().empty());
  EXPECT_TRUE(this->store().charters().value().empty());
  EXPECT_TRUE(this->store().evidence().value().empty());
  EXPECT_FALSE(this->store().proposal(BlockHash::filled(1)).value());
}

TYPED_TEST_P(EndorsedContract, KeepsProposalsByHashUntilTheyAreWithdrawn) {
  const auto one = this->proposal(this->child(10, {0}));
  const auto other = this->proposal(this->child(20, {1}));
  this->apply({.propose = {one, other}});
  this->maker_.reopen();
  auto expected = std::vector{one, other};
  std::ranges::sort(expected, {}, &node::Proposal::hash);
  EXPECT_EQ(this->store().proposals().value(), expected);
  EXPECT_EQ(this->store().proposal(one.hash).value(), one);
  EXPECT_FALSE(this->store().header(one.hash).value()) << "it is no block";
  // With another signature it takes its own place.
  const auto grown = this->proposal(signed_by(this->builder_, one.block, {0, 2}));
  this->apply({.propose = {grown}, .withdraw = {other.hash, BlockHash::filled(9)}});
  this->maker_.reopen();
  EXPECT_EQ(this->store().proposals().value(), std::vector{grown});
  EXPECT_FALSE(this->store().proposal(other.hash).value());
}

TYPED_TEST_P(EndorsedContract, WithdrawsBeforeItProposes) {
  const auto one = this->proposal(this->child(10, {0}));
  this->apply({.propose = {one}, .withdraw = {one.hash}});
  EXPECT_EQ(this->store().proposals().value(), std::vector{one});
}

TYPED_TEST_P(EndorsedContract, KeepsChartersAsLongAsTheirBlocks) {
  const Block block = this->child(10, {0, 1});
  const Block side = this->child(20, {0, 1});
  const auto add = [&](const Block& one, bool connects) {
    node::ChainChange change;
    const BlockHash hash = chain::hash_of(one.header);
    change.added.push_back({one, hash, chain::ids_of(one), {}});
    if (connects) change.connect.push_back(hash);
    change.endorsed.charters.push_back({hash, "text of " + std::to_string(connects)});
    ASSERT_TRUE(this->store().apply(change));
  };
  add(block, true);
  add(side, false);
  this->maker_.reopen();
  EXPECT_EQ(this->store().charters().value().size(), 2U);
  node::ChainChange forget;
  forget.forget.push_back(chain::hash_of(side.header));
  ASSERT_TRUE(this->store().apply(forget));
  this->maker_.reopen();
  const auto left = this->store().charters().value();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].block, chain::hash_of(block.header));
  EXPECT_EQ(left[0].rules_text, "text of 1");
}

TYPED_TEST_P(EndorsedContract, KeepsTheFirstEvidenceOfEach) {
  const Block one = this->child(10, {0, 1});
  const Block other = this->child(20, {0, 1});
  const Block third = this->child(30, {0, 2});
  const auto first = this->evidence(one, other);
  ASSERT_EQ(first.size(), 2U);
  this->apply({.evidence = first});
  this->apply({.evidence = this->evidence(one, third)});
  this->maker_.reopen();
  auto expected = first;
  std::ranges::sort(expected, {}, [&](const chain::Evidence& piece) {
    return this->builder_.chain().rules.endorsers[piece.index];
  });
  EXPECT_EQ(this->store().evidence().value(), expected);
}

REGISTER_TYPED_TEST_SUITE_P(EndorsedContract, BeginsWithNothing,
                            KeepsProposalsByHashUntilTheyAreWithdrawn, WithdrawsBeforeItProposes,
                            KeepsChartersAsLongAsTheirBlocks, KeepsTheFirstEvidenceOfEach);

}  // namespace bmsg
