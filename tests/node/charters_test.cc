// Charters on a chain: in force from the next block, on each branch its own, wherever it goes.

#include <gtest/gtest.h>

#include "lib/node/bundle.h"
#include "lib/node/rules_book.h"
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
  ASSERT_TRUE(node::write_bundle(f.store, Height{0}, node::WithPool::yes, f.clock.now(), pack,
                                 [](const auto&) {}));
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

TEST_F(Charters, TakeOutOfThePoolWhatTheyDoNotAllow) {
  f.builder.adopt(first);
  const auto node = f.node();
  Message longest = f.builder.public_message("longest", f.clock.now());
  Message too_long = longest;
  longest.head.ttl = 3600;
  too_long.head.ttl = 3601;
  Message wide = f.builder.public_message(std::string(4500, 'x'), f.clock.now());
  wide.head.ttl = 3600;
  const auto submit = [&](const std::vector<Message>& all, node::Origin origin) {
    for (const auto& outcome : node->submit_messages(all, origin).value())
      EXPECT_EQ(outcome.verdict, Verdict::accepted);
  };
  submit({longest, too_long, charter}, node::Origin::peer);
  submit({wide}, node::Origin::own);
  chain::RulesText less = next_rules(first.rules);  // Messages of 4,096 bytes.
  less.maxmessage = 4096;
  less.maxttl = 3600;
  const auto change = charter_message(f.builder, voted(first, less, {0, 1}), f.clock.now());
  const Block block = f.builder.block(f.builder.genesis(), {change}, f.clock.now());
  ASSERT_EQ(node->submit_block(block).value().verdict, Verdict::accepted);
  EXPECT_TRUE(f.is_pooled(longest));
  EXPECT_FALSE(f.is_pooled(too_long));
  EXPECT_FALSE(f.is_pooled(wide));
  EXPECT_FALSE(f.is_pooled(charter));  // It followed the same rules.
  EXPECT_EQ(node->block_template({}).value().block.messages, std::vector{longest});
  const auto outcome = node->submit_messages({too_long}, node::Origin::peer).value().front();
  EXPECT_EQ(outcome.violation->rule, chain::Rule::ttl);
}

TEST_F(Charters, KeepACharterWhoseTurnMayComeAgain) {
  f.accept_all({with, after[0]});
  const auto node = f.node();
  const chain::ChainRules second = node::rules_at_tip(f.store).value();
  f.builder.adopt(first);
  const auto branch = f.builder.blocks(f.builder.genesis(), 3);
  // Its signers are those of the new rules.
  chain::Charter votes{{}, chain::print(next_rules(second.rules))};
  const Bytes text = chain::charter_text(second, votes.rules_text);
  for (const std::uint8_t index : Indices{0, 1, 2})
    votes.votes.push_back({index, crypto::sign(endorser_seed(index + 1U), text)});
  const Message third = charter_message(f.builder, votes, f.clock.now());
  ASSERT_EQ(node->submit_messages({third}, node::Origin::own).value().front().verdict,
            Verdict::accepted);
  for (const Block& block : branch)
    ASSERT_EQ(node->submit_block(block).value().verdict, Verdict::accepted);
  ASSERT_EQ(version(*node), 0U);
  EXPECT_TRUE(f.is_pooled(third));
  EXPECT_EQ(node->block_template({}).value().block.messages, std::vector{charter});
}

TEST_F(Charters, AreListedWithTheirSigners) {
  EXPECT_EQ(node::rules_at_tip(f.store).value().tag, first.tag);
  EXPECT_EQ(node::charted_rules(f.store).value().size(), 1U);
  EXPECT_FALSE(node::rules_with_tag(f.store, after[0].header.rules).value());
  f.accept_all({with});
  EXPECT_EQ(node::rules_at_tip(f.store).value().tag, after[0].header.rules);
  f.accept_all(after);
  EXPECT_EQ(node::rules_at_tip(f.store).value().rules, new_rules());
  const auto all = node::charted_rules(f.store).value();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].rules.rules, first.rules);
  EXPECT_EQ(all[0].block, f.builder.genesis_hash());
  EXPECT_EQ(all[1].rules.rules, new_rules());
  EXPECT_EQ(all[1].rules.id, first.id);
  EXPECT_EQ(all[1].block, hash_of(with));
  EXPECT_EQ(all[1].height, Height{1});
  EXPECT_EQ(all[1].message, id_of(charter));
  EXPECT_EQ(node::signers_of(all[1].votes), 0b101U);
  EXPECT_EQ(node::rules_with_tag(f.store, first.tag).value()->rules, first.rules);
  EXPECT_EQ(node::rules_with_tag(f.store, after[0].header.rules).value()->rules, new_rules());
  EXPECT_FALSE(node::rules_with_tag(f.store, RulesTag::filled(1)).value());
}

TEST_F(Charters, AreNotListedFromABranchThatIsLeft) {
  f.accept_all({with, after[0]});
  f.builder.adopt(first);
  f.accept_all(f.builder.blocks(f.builder.genesis(), 3));
  EXPECT_EQ(node::charted_rules(f.store).value().size(), 1U);
  EXPECT_EQ(node::rules_at_tip(f.store).value().tag, first.tag);
  // A block of that branch is judged by its own rules all the same.
  EXPECT_TRUE(node::rules_with_tag(f.store, after[0].header.rules).value());
}

}  // namespace
}  // namespace bmsg
