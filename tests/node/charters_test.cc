// Charters on a chain: in force from the next block, on each branch its own, wherever it goes.

#include <gtest/gtest.h>

#include "lib/node/bundle.h"
#include "lib/node/verifier.h"
#include "tests/node/node_fixture.h"
#include "tests/node/sync_fixture.h"
#include "tests/support/endorsers.h"

namespace bmsg {
namespace {

using node::Verdict;

/// Two of three must sign; the charter puts another in the place of the first, and asks for three.
struct Charters : testing::Test {
  NodeFixture f{endorse_rules_text(2, 3)};
  chain::ChainRules first = f.builder.chain();
  Message charter = charter_message(f.builder, voted(first, new_rules(), {0, 2}), f.clock.now());
  Block with = f.builder.block(f.builder.genesis(), {charter}, f.clock.now());
  std::vector<Block> after = blocks_after();

  void SetUp() override { f.clock.advance(10 * first.rules.interval); }

  chain::RulesText new_rules() const {
    chain::RulesText next = next_rules(first.rules);
    next.endorse = 3;
    next.endorsers = {};
    for (const std::size_t i : {1U, 2U, 3U})
      next.endorsers.push_back(relabel<EndorserKey>(crypto::public_key_of(endorser_seed(i))));
    return next;
  }
  std::vector<Block> blocks_after() {
    f.builder.adopt(chain::rules_after(with, first).value());
    return f.builder.blocks(with.header, 3);
  }
  std::uint32_t version(node::Node& node) const {
    return chain::parse_rules_text(node.rules_in_force().value()).value().version;
  }
  void expect_verified(const node::ChainReader& store) const {
    const node::VerifyWish wish{
        .depth = node::Depth::full, .from = {}, .reads = {}, .on_progress = {}, .stop = {}};
    const auto report = node::verify(store, first, wish).value();
    for (const node::Fault& fault : report.faults) ADD_FAILURE() << fault.kind << fault.detail;
  }
  std::vector<Block> all() const {
    std::vector<Block> blocks{with};
    blocks.insert(blocks.end(), after.begin(), after.end());
    return blocks;
  }
};

TEST_F(Charters, TakeForceFromTheNextBlock) {
  ChainBuilder old(f.builder.rules_text());
  ASSERT_EQ(hash_of(old.block(old.genesis(), {charter}, with.header.time)), hash_of(with));
  const Block by_old_rules = old.block(with.header);
  f.accept_all({with});
  const auto refused = f.accept(by_old_rules);
  ASSERT_EQ(refused.verdict, Verdict::refused);
  EXPECT_EQ(refused.violation->rule, chain::Rule::rules);
  f.accept_all(after);
  EXPECT_EQ(f.tip(), hash_of(after.back()));
  EXPECT_EQ(f.store.charters().value().size(), 1U);
  expect_verified(f.store);
}

TEST_F(Charters, AskForAsManySignaturesAsTheNewRulesSay) {
  f.accept_all({with});
  Block few = after[0];
  few.seal.pop_back();  // Two, which were enough before.
  EXPECT_EQ(f.accept(few).verdict, Verdict::accepted);
  EXPECT_EQ(f.tip(), hash_of(with));
  f.accept_all({after[0]});
  EXPECT_EQ(f.tip(), hash_of(after[0]));
}

TEST_F(Charters, GoThroughANodesPoolIntoItsTemplate) {
  const auto node = f.node();
  EXPECT_EQ(version(*node), 0U);
  const Message bad = charter_message(f.builder, voted(first, new_rules(), {0}), f.clock.now());
  auto outcomes = node->submit_messages({bad, charter}, node::Origin::peer).value();
  EXPECT_EQ(outcomes[0].violation->rule, chain::Rule::charter);
  EXPECT_EQ(outcomes[1].verdict, Verdict::accepted);
  EXPECT_EQ(node->block_template({}).value().block.messages, std::vector{charter});
  ASSERT_EQ(node->submit_block(with).value().verdict, Verdict::accepted);
  EXPECT_EQ(version(*node), 1U);
  EXPECT_EQ(node->block_template({}).value().block.header.rules, after[0].header.rules);
  // Over is over: the same succession again is none.
  outcomes = node->submit_messages({bad}, node::Origin::peer).value();
  EXPECT_EQ(outcomes[0].violation->rule, chain::Rule::charter);
  // And a node that is started again knows it.
  EXPECT_EQ(version(*f.node()), 1U);
}

TEST_F(Charters, AreFollowedByWhoSyncsFromGenesisAndFromTheMiddle) {
  for (const std::size_t known : {0U, 1U, 2U}) {
    f.builder.adopt(first);
    SimNode ana(f.builder, f.clock, 1);
    SimNode ben(f.builder, f.clock, 2);
    ben.take(all());
    auto beginning = all();
    beginning.resize(known);
    ana.take(beginning);
    SimTransport wire(*ben.service);
    report_of(node::sync_with(*ana.service, wire, first, f.clock, {}));
    EXPECT_EQ(ana.tip(), ben.tip()) << known;
    EXPECT_EQ(version(*ana.service), 1U);
    expect_verified(ana.store);
  }
}

TEST_F(Charters, AreFollowedByALightStore) {
  SimNode ana(f.builder, f.clock, 1, kAnyReorg, node::Keeps::heads);
  SimNode ben(f.builder, f.clock, 2);
  ben.take(all());
  SimTransport wire(*ben.service);
  report_of(node::sync_with(*ana.service, wire, first, f.clock, {}));
  EXPECT_EQ(ana.tip(), ben.tip());
  EXPECT_EQ(version(*ana.service), 1U);
}

TEST_F(Charters, TravelInABundle) {
  f.accept_all(all());
  Bytes bytes;
  chain::PackWriter pack([&](ByteView part) -> Result<Done> {
    append(bytes, part);
    return done;
  });
  ASSERT_TRUE(
      node::write_bundle(f.store, Height{0}, node::WithPool::yes, pack, [](const auto&) {}));
  NodeFixture other(f.builder.rules_text());
  other.clock.set(f.clock.now().value);
  const auto receiver = other.node();
  std::size_t at = 0;
  node::BundleReader reader(
      [&](std::span<std::uint8_t> into) -> Result<std::size_t> {
        const std::size_t count = std::min(into.size(), bytes.size() - at);
        std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), count, into.begin());
        at += count;
        return count;
      },
      first);
  node::BundleReport report;
  node::BundlePull pull(*receiver, reader, report);
  for (bool more = true; more;) {
    const auto step = pull.step();
    ASSERT_TRUE(bool(step)) << step.error().message;
    more = step.value();
  }
  EXPECT_EQ(other.tip(), f.tip());
  EXPECT_EQ(version(*receiver), 1U);
}

TEST_F(Charters, EndWithTheBranchThatHasThem) {
  f.accept_all({with, after[0]});
  const auto node = f.node();
  EXPECT_EQ(version(*node), 1U);
  f.builder.adopt(first);
  const auto branch = f.builder.blocks(f.builder.genesis(), 3);
  for (const Block& block : branch)
    ASSERT_EQ(node->submit_block(block).value().verdict, Verdict::accepted);
  ASSERT_EQ(f.tip(), hash_of(branch.back()));
  EXPECT_EQ(version(*node), 0U);
  EXPECT_TRUE(f.is_pooled(charter));
  expect_verified(f.store);
  // And back: the branch with the charter grows under its own rules.
  for (const Block& block : {after[1], after[2]})
    ASSERT_EQ(node->submit_block(block).value().verdict, Verdict::accepted);
  EXPECT_EQ(f.tip(), hash_of(after[2]));
  EXPECT_EQ(version(*node), 1U);
  expect_verified(f.store);
}

}  // namespace
}  // namespace bmsg
