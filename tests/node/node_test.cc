#include "lib/node/node.h"

#include <array>
#include <atomic>
#include <latch>
#include <thread>

#include "lib/chain/merkle.h"
#include "lib/chain/pack.h"
#include "lib/chain/work.h"
#include "lib/core/big_endian.h"
#include "lib/node/forks.h"
#include "tests/node/node_fixture.h"

namespace bmsg {
namespace {

using node::Verdict;

TEST(Node, GivesTheWholePoolForACursorThatItDidNotGive) {
  NodeFixture f;
  const Message early = f.message("early");
  ASSERT_EQ(f.submit(early, node::Origin::own).verdict, Verdict::accepted);
  const auto node = f.node();
  const std::string cursor = node->feed("").value().cursor;
  const std::string epoch = cursor.substr(0, cursor.find('.'));
  for (const std::string& strange :
       {std::string(), epoch, epoch + ".", epoch + ".1", epoch + ".0x", epoch + ". 0",
        epoch + ".-1", epoch + ".99999999999999999999999", "0" + cursor, std::string("x.0")}) {
    EXPECT_EQ(node->feed(strange).value().messages.size(), 1U) << strange;
  }
  EXPECT_TRUE(node->feed(cursor).value().messages.empty());
}

TEST(Node, FeedsWhatArrivedSinceTheCursor) {
  NodeFixture f;
  const auto node = f.node();
  const std::string before = node->feed("").value().cursor;
  const Message first = f.message("first");
  const Message second = f.message("second");
  ASSERT_TRUE(bool(node->submit_messages({first}, node::Origin::own)));
  const auto feed = node->feed(before).value();
  EXPECT_EQ(feed.messages, std::vector{prefix_of<ShortId>(id_of(first))});
  ASSERT_TRUE(bool(node->submit_messages({first, second}, node::Origin::peer)));
  EXPECT_EQ(node->feed(feed.cursor).value().messages,
            std::vector{prefix_of<ShortId>(id_of(second))});
}

TEST(Node, FeedsTheMessagesOfABlockBesideTheBestChain) {
  NodeFixture f;
  f.accept_all(f.builder.blocks(f.builder.genesis(), 2));
  const auto node = f.node();
  const std::string before = node->feed("").value().cursor;
  const Message lost = f.message("lost");
  const Block beside = f.builder.block(f.builder.genesis(), {lost}, f.clock.now());
  ASSERT_EQ(node->submit_block(beside).value().verdict, Verdict::accepted);
  EXPECT_EQ(node->feed(before).value().messages, std::vector{prefix_of<ShortId>(id_of(lost))});
  EXPECT_EQ(node->info().value().pool_messages, 1U);
}

TEST(Node, TellsOfEachChangeAndOfNothingElse) {
  NodeFixture f;
  const auto node = f.node();
  int calls = 0;
  node->on_change([&] { ++calls; });
  const Block block = f.builder.block(f.builder.genesis());
  ASSERT_TRUE(bool(node->submit_block(block)));
  EXPECT_EQ(calls, 1);
  ASSERT_TRUE(bool(node->submit_block(block)));
  EXPECT_EQ(calls, 1);
  ASSERT_TRUE(bool(node->submit_messages({f.message("m")}, node::Origin::own)));
  EXPECT_EQ(calls, 2);
  ASSERT_TRUE(bool(node->submit_messages({f.message("m")}, node::Origin::own)));
  EXPECT_EQ(calls, 2);
}

TEST(Node, CallsNobodyAnyMoreWhoWasReplaced) {
  NodeFixture f;
  const auto node = f.node();
  std::latch entered(1);
  std::latch may_end(1);
  std::atomic<bool> has_ended = false;
  node->on_change([&] {
    entered.count_down();
    may_end.wait();
    has_ended = true;
  });
  const Message message = f.message("m");
  std::jthread teller([&] { ASSERT_TRUE(node->submit_messages({message}, node::Origin::own)); });
  entered.wait();
  std::atomic<bool> is_replaced = false;
  std::jthread replacer([&] {
    node->on_change({});
    EXPECT_TRUE(has_ended) << "what it uses is gone";
    is_replaced = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_FALSE(is_replaced);
  may_end.count_down();
  replacer.join();
  EXPECT_TRUE(is_replaced);
}

struct Compact : testing::Test {
  NodeFixture f;
  std::unique_ptr<node::Node> node = f.node();
  Message here = f.message("here");
  Message there = f.message("there");
  Block block = f.builder.block(f.builder.genesis(), {here, there}, f.clock.now());

  void SetUp() override { ASSERT_TRUE(bool(node->submit_messages({here}, node::Origin::own))); }
};

TEST_F(Compact, IsRebuiltOnceItsMessagesAreHere) {
  const auto compact = chain::compact_of(block);
  const auto first = node->submit_compact(compact).value();
  EXPECT_FALSE(first.outcome);
  EXPECT_EQ(first.need, std::vector{prefix_of<ShortId>(id_of(there))});
  ASSERT_TRUE(bool(node->submit_messages({there}, node::Origin::peer)));
  const auto second = node->submit_compact(compact).value();
  ASSERT_TRUE(second.outcome);
  EXPECT_EQ(second.outcome->verdict, Verdict::accepted);
  EXPECT_EQ(f.tip(), hash_of(block));
  EXPECT_EQ(node->submit_compact(compact).value().outcome->verdict, Verdict::known);
}

TEST_F(Compact, NeedsAllMessagesIfAShortIdMeansAnotherOneHere) {
  auto compact = chain::compact_of(block);
  for (auto& entry : compact.entries) entry.id = prefix_of<ShortId>(id_of(here));
  const auto rebuilt = node->submit_compact(compact).value();
  EXPECT_FALSE(rebuilt.outcome);
  EXPECT_EQ(rebuilt.need.size(), 2U);
}

/// Headers whose `count` is what it says, and short ids that ascend and mean nothing here.
chain::CompactBlock compact_of_strangers(NodeFixture& f, std::uint32_t count) {
  const Block block = f.builder.block(f.builder.genesis());
  chain::CompactBlock compact{.sealed = {block.header, block.seal}, .entries = {}};
  compact.sealed.header.count = count;
  f.builder.mine(compact.sealed);
  for (std::uint32_t i = 0; i < count; ++i) {
    std::array<std::uint8_t, 8> id{};
    store_be(id.data(), std::uint64_t{i});
    compact.entries.push_back({ShortId::from(id), 0});
  }
  return compact;
}

TEST(CompactBounds, NameNoMoreMessagesThanTheSmallestWouldFit) {
  NodeFixture f(easy_rules_text("maxblock", "65536"));
  const auto node = f.node();
  const auto most = node->submit_compact(compact_of_strangers(f, 65'536 / 104)).value();
  EXPECT_FALSE(most.outcome);
  EXPECT_EQ(most.need.size(), 630U);
  const auto more = node->submit_compact(compact_of_strangers(f, 65'536 / 104 + 1)).value();
  ASSERT_TRUE(more.outcome);
  EXPECT_EQ(more.outcome->verdict, Verdict::refused);
  EXPECT_EQ(more.outcome->violation->rule, chain::Rule::size);
  EXPECT_TRUE(more.need.empty());
}

TEST(CompactBounds, RefuseShortIdsThatDescend) {
  NodeFixture f;
  auto compact = compact_of_strangers(f, 3);
  std::swap(compact.entries[1], compact.entries[2]);
  const auto rebuilt = f.node()->submit_compact(compact).value();
  ASSERT_TRUE(rebuilt.outcome);
  EXPECT_EQ(rebuilt.outcome->violation->rule, chain::Rule::order);
}

/// 16 bytes name a message of any size.
TEST(CompactBounds, CopyNoMoreBytesThanABlockMayHave) {
  NodeFixture f(easy_rules_text("maxblock", "65536"));
  const auto node = f.node();
  std::vector<Message> messages;
  for (std::uint8_t i = 0; i < 17; ++i) {
    messages.push_back(f.message("m"));
    f.builder.set_body(messages.back(), Bytes(4096 - 104, i));
  }
  ASSERT_TRUE(bool(node->submit_messages(messages, node::Origin::own)));
  const Block larger = f.builder.block(f.builder.genesis(), messages, f.clock.now());
  const auto refused = node->submit_compact(chain::compact_of(larger)).value();
  EXPECT_FALSE(refused.outcome);
  EXPECT_EQ(refused.need.size(), 17U);
  EXPECT_EQ(node->submit_block(larger).value().violation->rule, chain::Rule::size);
  messages.pop_back();
  const Block largest = f.builder.block(f.builder.genesis(), messages, f.clock.now());
  const auto taken = node->submit_compact(chain::compact_of(largest)).value();
  ASSERT_TRUE(taken.outcome);
  EXPECT_EQ(taken.outcome->verdict, Verdict::accepted);
}

TEST_F(Compact, WithAHeaderThatBreaksARuleAsksForNothing) {
  block.header.bits = CompactTarget{0x1d00ffff};
  const auto rebuilt = node->submit_compact(chain::compact_of(block)).value();
  EXPECT_TRUE(rebuilt.need.empty());
  ASSERT_TRUE(rebuilt.outcome);
  EXPECT_EQ(rebuilt.outcome->verdict, Verdict::refused);
  EXPECT_EQ(rebuilt.outcome->violation->rule, chain::Rule::bits);
}

TEST_F(Compact, OfAnUnknownParentOrAFutureTimeAsksForNothing) {
  const Block child = f.builder.block(block.header, {there}, UnixSeconds{f.clock.now().value + 60});
  const auto orphan = node->submit_compact(chain::compact_of(child)).value();
  EXPECT_TRUE(orphan.need.empty());
  EXPECT_EQ(orphan.outcome->verdict, Verdict::orphan);
  f.clock.set(f.clock.now().value - 121);
  EXPECT_EQ(node->submit_compact(chain::compact_of(block)).value().outcome->verdict, Verdict::held);
}

TEST_F(Compact, WithFewerEntriesThanItsHeaderCountsIsRefused) {
  auto compact = chain::compact_of(block);
  compact.entries.clear();
  const auto rebuilt = node->submit_compact(compact).value();
  ASSERT_TRUE(rebuilt.outcome);
  EXPECT_EQ(rebuilt.outcome->violation->rule, chain::Rule::count);
}

TEST(Node, GivesATemplateWithoutBitsOnAnEndorseChain) {
  NodeFixture f(endorse_rules_text(2, 3));
  const Message message = f.message("m");
  ASSERT_EQ(f.submit(message, node::Origin::own).verdict, Verdict::accepted);
  const auto work = f.node()->block_template({}).value();
  EXPECT_TRUE(work.has_work);
  EXPECT_EQ(work.block.messages, std::vector{message});
  EXPECT_EQ(work.block.header.bits.value, 0U);
  EXPECT_TRUE(work.block.seal.empty());
}

/// Also after a reorg, and whatever was asked before.
TEST(Node, SumsItsChainUpAsItsHeadersDo) {
  NodeFixture f;
  const auto branch = [&](Header parent, int count, std::uint64_t apart) {
    std::vector<Block> blocks;
    for (int i = 0; i < count; ++i, parent = blocks.back().header)
      blocks.push_back(f.builder.block(parent, {}, UnixSeconds{parent.time.value + apart}));
    return blocks;
  };
  const auto trunk = branch(f.builder.genesis(), 9, 600);
  const auto shorter = branch(trunk.back().header, 2, 601);
  const auto longer = branch(trunk.back().header, 5, 600);
  const auto node = f.node();
  const auto compare = [&](const std::vector<const std::vector<Block>*>& parts) {
    std::vector<Header> headers{f.builder.genesis()};
    for (const auto* part : parts) {
      for (const Block& block : *part) headers.push_back(block.header);
    }
    chain::MerklePeaks tree;
    Work work;
    for (const Header& header : headers) {
      const BlockHash hash = chain::hash_of(header);
      (void)tree.add(chain::leaf_hash(hash.view()));
      if (header.height.value > 0)
        work = chain::sum(work, chain::work_of(f.builder.chain(), header));
      const auto past = node->past(header.height).value();
      ASSERT_TRUE(past) << header.height.value;
      EXPECT_EQ(past->last, header);
      EXPECT_EQ(past->hash, hash);
      EXPECT_EQ(past->work, work);
      EXPECT_EQ(past->tree.size(), header.height.value + 1U);
      EXPECT_EQ(past->tree.root(), tree.root());
      EXPECT_EQ(past->rules.tag, f.builder.chain().tag);
    }
    EXPECT_FALSE(node->past(Height{static_cast<std::uint32_t>(headers.size())}).value());
    EXPECT_EQ(node->past(Height{3}).value()->tree.size(), 4U);
  };
  for (const auto* part : {&trunk, &shorter}) {
    for (const Block& block : *part)
      ASSERT_EQ(node->submit_block(block).value().verdict, Verdict::accepted);
  }
  compare({&trunk, &shorter});
  for (const Block& block : longer) (void)node->submit_block(block).value();
  ASSERT_EQ(f.tip(), hash_of(longer.back()));
  compare({&trunk, &longer});
}

TEST(Node, FollowsAForkThatPolicyStoppedWhenAsked) {
  NodeFixture f;
  const auto slow = f.builder.blocks(f.builder.genesis(), 2);
  const Block pinned = f.builder.block(f.builder.genesis(), {f.message("m")}, f.clock.now());
  ASSERT_TRUE(bool(f.store.set_checkpoints({{Height{1}, hash_of(pinned)}})));
  f.accept(pinned);
  for (const Block& block : slow) f.accept(block);
  const auto node = f.node();
  const auto forks = node::find_forks(f.store).value();
  ASSERT_EQ(forks.size(), 1U);
  EXPECT_EQ(forks[0].tip.hash, hash_of(slow[1]));
  EXPECT_EQ(forks[0].base, Height{0});
  EXPECT_EQ(forks[0].depth, 1U);
  int calls = 0;
  node->on_change([&] { ++calls; });
  EXPECT_EQ(node->follow(hash_of(slow[1])).value().depth, 1U);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(f.tip(), hash_of(slow[1]));
  EXPECT_EQ(node->info().value().pool_messages, 1U);
  EXPECT_TRUE(node::find_forks(f.store).value().empty());
}

}  // namespace
}  // namespace bmsg
