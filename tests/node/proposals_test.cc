// Proposals: which are kept, how signatures add up to a block, and what becomes of the rest.

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "lib/chain/evidence.h"
#include "lib/core/codec.h"
#include "tests/node/node_fixture.h"
#include "tests/support/endorsers.h"
#include "tests/support/seed.h"

namespace bmsg {
namespace {

using node::Verdict;

/// Three of four must sign. The clock stands far behind genesis.
struct Proposals : testing::Test {
  NodeFixture f{endorse_rules_text(3, 4)};
  Header genesis = f.builder.genesis();

  /// A block so many seconds after its parent.
  Block block(const Header& parent, const Indices& signers, std::uint64_t later = 10,
              std::vector<Message> messages = {}) {
    return signed_by(
        f.builder,
        f.builder.block(parent, std::move(messages), UnixSeconds{parent.time.value + later}),
        signers);
  }
  Block again(Block one, const Indices& signers) const {
    return signed_by(f.builder, std::move(one), signers);
  }
  std::vector<BlockHash> kept() const {
    std::vector<BlockHash> hashes;
    for (const node::Proposal& one : f.store.proposals().value()) hashes.push_back(one.hash);
    return hashes;
  }
  bool is_kept(const Block& one) const {
    return f.store.proposal(hash_of(one)).value().has_value();
  }
  Message old_message(const std::string& text) const {
    return f.builder.public_message(text, genesis.time);
  }
};

TEST_F(Proposals, AreKeptBesideTheChainUntilEnoughHaveSigned) {
  const Block one = block(genesis, {1});
  EXPECT_EQ(f.accept(one).verdict, Verdict::accepted);
  EXPECT_EQ(f.tip(), f.builder.genesis_hash());
  EXPECT_TRUE(is_kept(one));
  EXPECT_EQ(f.accept(again(one, {1})).verdict, Verdict::known);
  EXPECT_EQ(f.accept(again(one, {3})).verdict, Verdict::accepted);
  EXPECT_EQ(f.store.proposal(hash_of(one)).value()->block, again(one, {1, 3}));
  EXPECT_EQ(f.accept(again(one, {1, 3})).verdict, Verdict::known);
  EXPECT_EQ(f.accept(again(one, {0})).verdict, Verdict::accepted);
  EXPECT_EQ(f.tip(), hash_of(one));
  EXPECT_FALSE(is_kept(one));
  EXPECT_EQ(f.store.header(f.tip()).value()->sealed.seal, again(one, {0, 1, 3}).seal);
  // One more signature of a block is kept, too.
  EXPECT_EQ(f.accept(again(one, {2})).verdict, Verdict::accepted);
  EXPECT_EQ(f.store.header(f.tip()).value()->sealed.seal, again(one, {0, 1, 2, 3}).seal);
  EXPECT_EQ(f.accept(again(one, {2})).verdict, Verdict::known);
}

TEST_F(Proposals, BecomeTheSameBlockInWhateverOrderTheSignaturesCome) {
  auto numbers = seeded_numbers();
  const Block one = block(genesis, {0});
  std::vector<Indices> parts = {{0}, {1}, {2}, {3}, {0, 1}, {2, 3}};
  for (int round = 0; round < 10; ++round) {
    std::ranges::shuffle(parts, numbers);
    NodeFixture g(endorse_rules_text(3, 4));
    for (const Indices& part : parts) {
      const auto verdict = g.accept(again(one, part)).verdict;
      EXPECT_TRUE(verdict == Verdict::accepted || verdict == Verdict::known);
    }
    EXPECT_EQ(g.tip(), hash_of(one));
    EXPECT_EQ(g.store.header(g.tip()).value()->sealed.seal, again(one, {0, 1, 2, 3}).seal);
    EXPECT_TRUE(g.store.proposals().value().empty());
  }
}

TEST_F(Proposals, NeedOneSignatureAndOnlyGoodOnes) {
  EXPECT_EQ(f.accept(block(genesis, {})).violation->rule, chain::Rule::seal);
  Block bad = block(genesis, {1});
  bad.seal[0].signature.data()[0] ^= 1;
  EXPECT_EQ(f.accept(bad).violation->rule, chain::Rule::seal);
  EXPECT_TRUE(kept().empty());
  const Block good = block(genesis, {1});
  f.accept(good);
  bad = again(good, {2});
  bad.seal[0].index = 3;
  EXPECT_EQ(f.accept(bad).violation->rule, chain::Rule::seal);
  EXPECT_EQ(f.store.proposal(hash_of(good)).value()->block, good);
}

TEST_F(Proposals, WithAMessageThatBreaksARuleAreRefused) {
  Message bad = old_message("m");
  bad.body->back() ^= 1;
  EXPECT_EQ(f.accept(block(genesis, {1}, 10, {bad})).violation->rule, chain::Rule::body);
  EXPECT_TRUE(kept().empty());
}

TEST_F(Proposals, StandOnTheTipOrItsParent) {
  const Block one = block(genesis, {0, 1, 2});
  const Block two = block(one.header, {0, 1, 2});
  f.accept_all({one, two});
  const Block beside = block(one.header, {3}, 20);
  const Block deep = block(genesis, {3}, 20);
  EXPECT_EQ(f.accept(beside).verdict, Verdict::accepted);
  EXPECT_EQ(f.accept(deep).verdict, Verdict::held);
  EXPECT_EQ(f.accept(block(beside.header, {3})).verdict, Verdict::orphan);
  EXPECT_EQ(kept(), std::vector{hash_of(beside)});
}

TEST_F(Proposals, OfAFutureTimeAreHeld) {
  f.clock.set(genesis.time.value);
  EXPECT_EQ(f.accept(block(genesis, {1}, 121)).verdict, Verdict::held);
  EXPECT_EQ(f.accept(block(genesis, {1}, 120)).verdict, Verdict::accepted);
}

TEST_F(Proposals, AreTwoOfEachFirstSignerAndOlderOnesGo) {
  const Block a = block(genesis, {1}, 10);
  const Block b = block(genesis, {1}, 20);
  const Block c = block(genesis, {1}, 30);
  EXPECT_EQ(f.accept(b).verdict, Verdict::accepted);
  EXPECT_EQ(f.accept(c).verdict, Verdict::accepted);
  EXPECT_EQ(f.accept(a).verdict, Verdict::held) << "it is older than both";
  EXPECT_FALSE(is_kept(a));
  const Block d = block(genesis, {1}, 40);
  EXPECT_EQ(f.accept(d).verdict, Verdict::accepted);
  EXPECT_FALSE(is_kept(b));
  EXPECT_TRUE(is_kept(c));
  EXPECT_TRUE(is_kept(d));
  EXPECT_EQ(f.accept(block(genesis, {2}, 5)).verdict, Verdict::accepted) << "of another";
  EXPECT_EQ(kept().size(), 3U);
}

TEST_F(Proposals, GoWhenTheTipIsTwoBlocksOn) {
  const Block one = block(genesis, {0, 1, 2});
  const Block two = block(one.header, {0, 1, 2});
  const Block three = block(two.header, {0, 1, 2});
  const Block early = block(genesis, {3}, 20);
  f.accept_all({early, one});
  EXPECT_TRUE(is_kept(early));
  const Block late = block(one.header, {3}, 20);
  f.accept_all({late, two});
  EXPECT_FALSE(is_kept(early));
  EXPECT_TRUE(is_kept(late));
  f.accept_all({three});
  EXPECT_TRUE(kept().empty());
}

TEST_F(Proposals, LeaveTheirMessagesWaiting) {
  const Message message = f.message("m");
  const std::uint64_t later = f.clock.now().value - genesis.time.value;
  const Block lost = block(genesis, {3}, later, {message});
  const auto outcome = f.accept(lost);
  EXPECT_EQ(outcome.pooled, std::vector{id_of(message)});
  EXPECT_TRUE(f.is_pooled(message));
  const Block one = block(genesis, {0, 1, 2});
  const Block two = block(one.header, {0, 1, 2});
  f.accept_all({one, two});
  EXPECT_FALSE(is_kept(lost));
  EXPECT_TRUE(f.is_pooled(message));
  f.accept_all({block(two.header, {0, 1, 2}, later, {message})});
  EXPECT_FALSE(f.is_pooled(message));
}

// It moves gigabytes: './dev soak endorse' runs it.
TEST_F(Proposals, DISABLED_FillNoMoreThanTheirRoom) {
  // Blocks of 4 MB, each begun by another endorser.
  chain::RulesText rules = chain::parse_rules_text(endorse_rules_text(9, 16)).value();
  rules.maxblock = 4u << 20;
  const std::string text = chain::print(rules);
  NodeFixture g(text);
  std::vector<Message> messages;
  for (int i = 0; i < 62; ++i) {
    Message big = g.builder.public_message(std::to_string(i), genesis.time);
    g.builder.set_body(big, Bytes(65'000, static_cast<std::uint8_t>(i)));
    messages.push_back(std::move(big));
  }
  const std::uint64_t first = g.builder.genesis().time.value;
  std::vector<Block> all;
  std::size_t bytes = 0;
  for (std::uint64_t i = 0; bytes <= kProposalBytesMax; ++i) {
    all.push_back(signed_by(
        g.builder, g.builder.block(g.builder.genesis(), messages, UnixSeconds{first + 1 + i}),
        {static_cast<std::uint8_t>(i % 16)}));
    bytes += encode(all.back()).size();
  }
  for (const Block& one : all) EXPECT_EQ(g.accept(one).verdict, Verdict::accepted);
  EXPECT_EQ(g.store.proposals().value().size(), all.size() - 1);
  EXPECT_FALSE(g.store.proposal(hash_of(all.front())).value());
  EXPECT_EQ(g.accept(all.front()).verdict, Verdict::held);
}

struct SignedTwice : Proposals {
  /// Whom there is evidence against.
  std::vector<std::uint8_t> caught() const {
    std::vector<std::uint8_t> all;
    for (const chain::Evidence& one : f.store.evidence().value()) {
      EXPECT_TRUE(chain::check_evidence(one));
      all.push_back(one.index);
    }
    std::ranges::sort(all);
    return all;
  }
};

TEST_F(SignedTwice, IsFoundInWhateverOrderBlocksAndProposalsCome) {
  const Block one = block(genesis, {0, 1, 2});
  const Block other = block(genesis, {1, 2, 3}, 20);
  const Block third = block(genesis, {0}, 30);
  std::vector<Block> parts = {again(one, {0, 1}), again(one, {2}),      again(other, {1}),
                              again(other, {2}),  again(other, {1, 3}), third};
  auto numbers = seeded_numbers();
  for (int round = 0; round < 20; ++round) {
    std::ranges::shuffle(parts, numbers);
    NodeFixture g(endorse_rules_text(3, 4));
    for (const Block& part : parts) g.accept(part);
    std::vector<std::uint8_t> found;
    for (const chain::Evidence& each : g.store.evidence().value()) found.push_back(each.index);
    std::ranges::sort(found);
    EXPECT_EQ(found, (std::vector<std::uint8_t>{0, 1, 2})) << round;
  }
}

TEST_F(SignedTwice, IsFoundWithASignatureThatComesAfterBothWereBlocks) {
  f.accept(block(genesis, {0, 1, 2}));
  const Block other = block(genesis, {1, 2, 3}, 20);
  f.accept(other);
  EXPECT_EQ(caught(), (std::vector<std::uint8_t>{1, 2}));
  f.accept(again(other, {0}));
  EXPECT_EQ(caught(), (std::vector<std::uint8_t>{0, 1, 2}));
}

TEST_F(SignedTwice, IsNotSaidOfTwoGenerations) {
  const auto generation = chain::generation_seconds(f.builder.chain().rules);
  f.accept(block(genesis, {0, 1}, generation - 1));
  f.accept(block(genesis, {0, 1, 2}, generation));
  EXPECT_TRUE(caught().empty());
  f.accept(block(genesis, {1, 3}, 10));
  EXPECT_EQ(caught(), std::vector<std::uint8_t>{1});
}

TEST_F(SignedTwice, MakesOneBlockOfTheTwoWinOnEveryNode) {
  const Block one = block(genesis, {0, 1, 2});
  const Block other = block(genesis, {1, 2, 3}, 20);
  NodeFixture g(endorse_rules_text(3, 4));
  f.accept_all({one, other});
  g.accept_all({other, one});
  EXPECT_EQ(f.tip(), g.tip());
  EXPECT_EQ(f.tip(), std::min(hash_of(one), hash_of(other)));
}

}  // namespace
}  // namespace bmsg
