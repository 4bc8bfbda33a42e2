#include "lib/node/chain_state.h"

#include <functional>

#include "lib/chain/work.h"
#include "tests/node/node_fixture.h"

namespace bmsg {
namespace {

using chain::Rule;
using node::Verdict;

/// A block that keeps every rule, with two messages, on one block of its own.
struct Accept : testing::Test {
  NodeFixture f;
  Block below = f.builder.block(f.builder.genesis(), {f.message("below")}, f.clock.now());
  Block block = f.builder.block(below.header, {f.message("1"), f.message("2")},
                                UnixSeconds{f.clock.now().value + 60});

  void SetUp() override { ASSERT_EQ(f.accept(below).verdict, Verdict::accepted); }
  /// What accept() says of `block` as a test has broken it.
  void expect_refused(Rule rule) {
    const auto outcome = f.accept(block);
    EXPECT_EQ(outcome.verdict, Verdict::refused);
    ASSERT_TRUE(outcome.violation);
    EXPECT_EQ(chain::name_of(outcome.violation->rule), chain::name_of(rule))
        << outcome.violation->detail;
    EXPECT_EQ(f.tip(), hash_of(below));
    EXPECT_EQ(f.store.header(hash_of(block)).value(), std::nullopt);
  }
  /// The same after its count, root, order and work were made to fit again.
  void expect_refused_when_finished(Rule rule) {
    f.builder.finish(block);
    expect_refused(rule);
  }
};

TEST_F(Accept, TakesAGoodBlockOnce) {
  EXPECT_EQ(f.accept(block).verdict, Verdict::accepted);
  EXPECT_EQ(f.tip(), hash_of(block));
  EXPECT_EQ(f.accept(block).verdict, Verdict::known);
}
TEST_F(Accept, RefusesAnotherHeight) {
  block.header.height.value += 1;
  expect_refused_when_finished(Rule::height);
}
TEST_F(Accept, RefusesOtherRules) {
  block.header.rules = RulesTag::filled(1);
  expect_refused_when_finished(Rule::rules);
}
TEST_F(Accept, RefusesAnotherPast) {
  block.header.past = MerkleRoot::filled(1);
  expect_refused_when_finished(Rule::past);
}
TEST_F(Accept, RefusesATimeThatDoesNotRise) {
  block.header.time = below.header.time;
  expect_refused_when_finished(Rule::time);
}
TEST_F(Accept, RefusesOtherBits) {
  block.header.bits = CompactTarget{0x2000ffff};
  expect_refused_when_finished(Rule::bits);
}
TEST_F(Accept, RefusesTooLittleWork) {
  const auto target = *chain::target_of(block.header.bits);
  while (chain::meets(chain::hash_of(block.header), target)) ++block.header.nonce;
  expect_refused(Rule::work);
}
TEST_F(Accept, RefusesASealOnProofOfWork) {
  block.seal.push_back({0, Signature::filled(1)});
  expect_refused(Rule::seal);
}
TEST_F(Accept, RefusesAnotherCount) {
  block.messages.pop_back();
  expect_refused(Rule::count);
}
TEST_F(Accept, RefusesAnotherOrder) {
  std::swap(block.messages[0], block.messages[1]);
  expect_refused_when_finished(Rule::order);
}
TEST_F(Accept, RefusesAnotherRoot) {
  block.messages[0].nonce ^= 1;
  expect_refused(Rule::root);
}
TEST_F(Accept, RefusesAMessageOfAnAncestor) {
  block = f.builder.block(below.header, below.messages, UnixSeconds{f.clock.now().value + 60});
  expect_refused(Rule::duplicate);
}
TEST_F(Accept, RefusesAChunk) {
  block.messages.resize(1);
  block.messages[0].head.suite = Suite::chunk;
  expect_refused_when_finished(Rule::suite);
}
TEST_F(Accept, RefusesACharter) {
  block.messages.resize(1);
  block.messages[0].head.suite = Suite::charter;
  expect_refused_when_finished(Rule::charter);
}
TEST_F(Accept, RefusesAnotherBody) {
  block.messages[0].body->back() ^= 1;
  expect_refused(Rule::body);
}
TEST_F(Accept, RefusesABodyThatIsAbsentBeforeItExpires) {
  block.messages[0].body.reset();
  expect_refused(Rule::body);
  f.clock.advance(31 * 86'400);
  EXPECT_EQ(f.accept(block).verdict, Verdict::accepted);
}
TEST_F(Accept, RefusesAMessageOfAnotherChain) {
  block.messages.resize(1);
  block.messages[0].head.chain = ChainTag::filled(1);
  expect_refused_when_finished(Rule::chain);
}
TEST_F(Accept, RefusesAnEarlyMessage) {
  block.messages.resize(1);
  block.messages[0].head.time += 181;
  expect_refused_when_finished(Rule::early);
}
TEST_F(Accept, RefusesAnExpiredMessage) {
  block.messages.resize(1);
  block.messages[0].head.ttl = 60;
  expect_refused_when_finished(Rule::expired);
}
TEST_F(Accept, RefusesATooLongTtl) {
  block.messages.resize(1);
  block.messages[0].head.ttl = f.builder.chain().rules.maxttl + 1;
  expect_refused_when_finished(Rule::ttl);
}

TEST(ChainState, RefusesABlockLargerThanMaxblock) {
  for (const std::size_t excess : {0U, 1U}) {
    NodeFixture f(easy_rules_text("maxblock", "65536"));
    Message first = f.message("1");
    Message second = f.message("2");
    f.builder.set_body(first, Bytes(30'000, 1));
    const std::size_t left = 65'536 - first.head.encoded_bytes();
    f.builder.set_body(second, Bytes(left - kHeadBytesFixed - kNonceBytes + excess, 2));
    const auto outcome =
        f.accept(f.builder.block(f.builder.genesis(), {first, second}, f.clock.now()));
    EXPECT_EQ(outcome.verdict, excess == 0 ? Verdict::accepted : Verdict::refused);
    if (excess == 0) continue;
    ASSERT_TRUE(outcome.violation);
    EXPECT_EQ(outcome.violation->rule, Rule::size);
  }
}

TEST(ChainState, RefusesAStampThatIsTooWeak) {
  NodeFixture f(easy_rules_text("stamp", "16"));
  Message message = f.message("m");
  Block block = f.builder.block(f.builder.genesis(), {message}, f.clock.now());
  const std::uint64_t limit =
      chain::stamp_limit(chain::stamp_needed(f.builder.chain(), message.head));
  while (chain::stamp_value(id_of(message), block.messages[0].nonce) <= limit)
    ++block.messages[0].nonce;
  f.builder.finish(block);
  EXPECT_EQ(f.accept(block).violation->rule, Rule::stamp);
}

TEST(ChainState, RefusesABlockWithoutEndorsementsAndFollowsNoneWithTooFew) {
  NodeFixture f(endorse_rules_text(2, 3));
  Block block = f.builder.block(f.builder.genesis());
  block.seal.pop_back();
  EXPECT_EQ(f.accept(block).verdict, Verdict::accepted);
  EXPECT_EQ(f.tip(), f.builder.genesis_hash());
  block.seal.clear();
  EXPECT_EQ(f.accept(block).violation->rule, Rule::seal);
}

TEST(HighestSettled, LiesBelowWhatAReorganisationMayTakeOff) {
  const auto settled = [](const std::string& rules, std::size_t count, node::ReorgPolicy policy) {
    NodeFixture f(rules);
    f.accept_all(f.builder.blocks(f.builder.genesis(), count));
    return node::highest_settled(f.store, f.builder.chain().rules.mode, policy).value();
  };
  const std::string mined = pow_rules_text();  // A block every 600 s: a day is 144 of them.
  EXPECT_FALSE(settled(mined, 144, {}));
  EXPECT_EQ(settled(mined, 145, {}), Height{0});
  EXPECT_EQ(settled(mined, 200, {}), Height{55});
  const node::ReorgPolicy by_depth{.depth_max = 10, .seconds_max = 0};
  EXPECT_FALSE(settled(mined, 10, by_depth));
  EXPECT_EQ(settled(mined, 11, by_depth), Height{0});
  const std::string endorsed = endorse_rules_text(2, 3);
  EXPECT_FALSE(settled(endorsed, 6, {}));
  EXPECT_EQ(settled(endorsed, 9, {}), Height{2});
}

TEST(ChainState, HoldsABlockOf121SecondsAheadAndTakesOneOf120) {
  NodeFixture f;
  const Block block =
      f.builder.block(f.builder.genesis(), {}, UnixSeconds{f.clock.now().value + 121});
  EXPECT_EQ(f.accept(block).verdict, Verdict::held);
  EXPECT_EQ(f.store.header(hash_of(block)).value(), std::nullopt);
  f.clock.advance(1);
  EXPECT_EQ(f.accept(block).verdict, Verdict::accepted);
}

TEST(ChainState, KeepsNoBlockWhoseParentIsUnknown) {
  NodeFixture f;
  const auto blocks = f.builder.blocks(f.builder.genesis(), 2);
  EXPECT_EQ(f.accept(blocks[1]).verdict, Verdict::orphan);
  EXPECT_EQ(f.store.header(hash_of(blocks[1])).value(), std::nullopt);
}

TEST(ChainState, ChangesNothingIfTheStoreFails) {
  NodeFixture f;
  const auto blocks = f.builder.blocks(f.builder.genesis(), 3);
  for (const Block& block : blocks) {
    f.store.fail_apply(0);
    EXPECT_FALSE(bool(f.state.accept(block)));
    EXPECT_EQ(f.store.tip().value().height.value + 1, block.header.height.value);
    EXPECT_EQ(f.accept(block).verdict, Verdict::accepted);
  }
}

/// Changes a byte of ours when it is asked for the time, as a bad memory does at any time.
struct FlippingClock final : Clock {
  UnixSeconds now() const override {
    if (calls++ == at) flip();
    return wall;
  }
  std::chrono::steady_clock::time_point steady() const override { return {}; }
  UnixSeconds wall;
  int at = -1;
  std::function<void()> flip;
  mutable int calls = 0;
};

TEST(ChainState, StoresNoBlockThatChangedAfterItWasJudged) {
  const std::vector<std::function<void(Block&)>> flips = {
      [](Block& block) { block.header.nonce ^= 1; },
      [](Block& block) { block.messages[0].nonce ^= 1; },
      [](Block& block) { block.messages[0].body->back() ^= 1; },
      [](Block& block) { block.messages[0].head.ttl ^= 1; }};
  for (const auto& flip : flips) {
    NodeFixture f;
    FlippingClock clock;
    clock.wall = f.clock.now();
    node::ChainState state(f.store, f.builder.chain(), clock);
    Block block = f.builder.block(f.builder.genesis(), {f.message("m")}, f.clock.now());
    clock.flip = [&] { flip(block); };
    clock.at = 1;  // Asked of each message last of all.
    const auto accepted = state.accept(block);
    ASSERT_GE(clock.calls, 2);
    ASSERT_FALSE(bool(accepted));
    EXPECT_EQ(accepted.error().code, Errc::corrupt);
    EXPECT_EQ(f.store.tip().value().height, Height{0});
  }
}

}  // namespace
}  // namespace bmsg
