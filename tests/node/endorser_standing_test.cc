// EndorserStanding: who is late, before and after charters.

#include "lib/node/endorser_standing.h"

#include <gtest/gtest.h>

#include "tests/node/node_fixture.h"
#include "tests/support/endorsers.h"

namespace bmsg {
namespace {

/// Two of three must sign; 1 and 2 have signed ten blocks, the last of which holds a charter.
struct EndorserStandings : testing::Test {
  NodeFixture f{endorse_rules_text(2, 3)};
  chain::ChainRules first = f.builder.chain();
  Header last = f.builder.genesis();

  /// So many blocks more, each signed by those; by nobody named: by the first two.
  void grow(std::size_t count, const Indices& signers, const std::vector<Message>& messages = {}) {
    for (std::size_t i = 0; i < count; ++i) {
      f.clock.advance(first.rules.interval);
      Block one = f.builder.block(last, messages, f.clock.now());
      if (!signers.empty()) one = signed_by(f.builder, std::move(one), signers);
      f.accept_all({one});
      last = one.header;
      if (!messages.empty()) f.builder.adopt(chain::rules_after(one, first).value());
    }
  }
  void grow_with_charter(const chain::RulesText& next) {
    grow(9, {1, 2});
    grow(1, {1, 2}, {charter_message(f.builder, voted(first, next, {1, 2}), f.clock.now())});
  }
  std::vector<bool> late() const {
    std::vector<bool> answers;
    for (const node::EndorserStanding& who : now().endorsers) answers.push_back(who.late);
    return answers;
  }
  node::Standings now() const { return node::standings(f.store, first, f.clock.now()).value(); }
};

TEST_F(EndorserStandings, AreTheSameAfterACharterThatKeepsTheKeys) {
  grow_with_charter(next_rules(first.rules));
  EXPECT_EQ(late(), (std::vector{true, false, false}));
  EXPECT_EQ(now().endorsers[1].signed_blocks, 10U);
  EXPECT_EQ(now().endorsers[1].last, last.height);
}

TEST_F(EndorserStandings, GoWithTheKeyWhereACharterGivesItAnotherIndex) {
  chain::RulesText next = next_rules(first.rules);
  next.endorsers = {};
  for (const std::size_t i : {1U, 2U, 3U})
    next.endorsers.push_back(relabel<EndorserKey>(crypto::public_key_of(endorser_seed(i))));
  grow_with_charter(next);
  EXPECT_EQ(now().endorsers[0].signed_blocks, 10U);
  EXPECT_EQ(now().endorsers[1].signed_blocks, 10U);
  EXPECT_EQ(now().endorsers[2].signed_blocks, 0U);
  // Who is new could sign none of them.
  EXPECT_EQ(late(), (std::vector{false, false, false}));
  grow(node::kLateBlocks - 1, {});
  EXPECT_EQ(late(), (std::vector{false, false, false}));
  grow(1, {});
  EXPECT_EQ(late(), (std::vector{false, false, true}));
  EXPECT_EQ(now().endorsers[0].signed_blocks, 10U + node::kLateBlocks);
}

}  // namespace
}  // namespace bmsg
