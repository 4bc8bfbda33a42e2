// Our own new messages: one peer gets them, and nobody else sees them before they come back or
// their time is over.

#include "lib/node/embargo.h"

#include <set>

#include "lib/chain/pack.h"
#include "lib/node/public_node.h"
#include "lib/node/sync_session.h"
#include "tests/node/node_fixture.h"
#include "tests/support/sim_network.h"

namespace bmsg {
namespace {

using node::Origin;
using node::Verdict;

ShortId short_id(const Message& message) { return prefix_of<ShortId>(id_of(message)); }

/// A node that knows two peers.
struct Discreet : NodeFixture {
  Discreet() : node(NodeFixture::node()) {
    EXPECT_TRUE(node->embargo().set_callable({"one", "two"}));
    const bool is_one = node->embargo().is_confidant("one");
    confidant.emplace(*node, is_one ? "one" : "two");
    spy.emplace(*node, is_one ? "two" : "one");
  }

  Message write(const std::string& text) {
    const Message made = message(text);
    EXPECT_EQ(node->submit_messages({made}, Origin::own).value().at(0).verdict, Verdict::accepted);
    return made;
  }
  static bool sees(node::Service& viewer, const Message& message) {
    const auto feed = viewer.feed("").value().messages;
    const bool is_told = std::ranges::find(feed, short_id(message)) != feed.end();
    const bool is_given = !viewer.messages({short_id(message)}).value().empty();
    EXPECT_EQ(is_told, is_given);
    return is_told;
  }

  std::unique_ptr<node::Node> node;
  std::optional<node::PublicNode> confidant;
  std::optional<node::PublicNode> spy;
  node::PublicNode stranger{*node};
};

TEST(Embargo, HidesWhatIsOursFromAllButOne) {
  Discreet f;
  const auto before = f.spy->info().value();
  const std::string cursor = f.spy->feed("").value().cursor;
  int told = 0;
  int kept_back = 0;
  f.node->on_change([&] { ++told; });
  f.node->on_kept_back([&] { ++kept_back; });
  const Message ours = f.write("ours");
  EXPECT_EQ(told, 0);
  EXPECT_EQ(kept_back, 1);
  EXPECT_TRUE(Discreet::sees(*f.node, ours));
  EXPECT_TRUE(Discreet::sees(*f.confidant, ours));
  EXPECT_FALSE(Discreet::sees(*f.spy, ours));
  EXPECT_FALSE(Discreet::sees(f.stranger, ours));
  const auto after = f.spy->info().value();
  EXPECT_EQ(after.pool_messages, before.pool_messages);
  EXPECT_EQ(after.pool_bytes, before.pool_bytes);
  EXPECT_EQ(f.spy->feed(cursor).value().cursor, cursor);
  EXPECT_EQ(f.confidant->feed(cursor).value().messages, std::vector{short_id(ours)});
  EXPECT_EQ(f.confidant->info().value().pool_messages, 1U);
}

TEST(Embargo, HidesNothingThatOthersBroughtOrThatWasThereBefore) {
  Discreet f;
  const Message theirs = f.message("theirs");
  ASSERT_TRUE(f.node->submit_messages({theirs}, Origin::peer));
  EXPECT_TRUE(Discreet::sees(*f.spy, theirs));
  ASSERT_TRUE(f.node->submit_messages({theirs}, Origin::own));
  EXPECT_TRUE(Discreet::sees(*f.spy, theirs)) << "what is known cannot be taken back";
  const Message stamped = f.message("theirs", 1U << 10);
  ASSERT_EQ(f.node->submit_messages({stamped}, Origin::own).value()[0].verdict, Verdict::accepted);
  EXPECT_TRUE(Discreet::sees(*f.spy, stamped));
}

TEST(Embargo, IsOverAfterAtMostTwoMinutes) {
  Discreet f;
  const std::string cursor = f.spy->feed("").value().cursor;
  std::vector<Message> ours;
  for (int i = 0; i < 20; ++i) ours.push_back(f.write("ours " + std::to_string(i)));
  f.clock.advance(29);
  ASSERT_TRUE(f.node->release_due());
  for (const Message& one : ours) EXPECT_FALSE(Discreet::sees(*f.spy, one));
  ASSERT_TRUE(f.node->embargo().next_due());
  std::set<std::size_t> seen_at_a_time;
  int told = 0;
  f.node->on_change([&] { ++told; });
  for (int second = 29; second < 120; ++second) {
    f.clock.advance(1);
    ASSERT_TRUE(f.node->release_due());
    seen_at_a_time.insert(f.spy->feed(cursor).value().messages.size());
  }
  EXPECT_GT(seen_at_a_time.size(), 5U) << "each has a time of its own";
  EXPECT_GT(told, 5);
  for (const Message& one : ours) EXPECT_TRUE(Discreet::sees(*f.spy, one));
  EXPECT_FALSE(f.node->embargo().next_due());
}

TEST(Embargo, IsOverWhenTheMessageComesBack) {
  Discreet f;
  const Message ours = f.write("ours");
  const auto outcome = f.stranger.submit_messages({ours}, Origin::peer).value().at(0);
  EXPECT_EQ(outcome.verdict, Verdict::accepted) << "who brings it learns that it was here";
  EXPECT_TRUE(Discreet::sees(*f.spy, ours));
  EXPECT_EQ(f.stranger.submit_messages({ours}, Origin::peer).value().at(0).verdict, Verdict::known);
}

TEST(Embargo, LeavesNoTraceInTheOrderOfThePool) {
  Discreet f;
  std::vector<Message> all;
  for (int i = 0; i < 20; ++i) {
    all.push_back(f.write("ours " + std::to_string(i)));
    all.push_back(f.message("theirs " + std::to_string(i)));
    ASSERT_TRUE(f.node->submit_messages({all.back()}, Origin::peer));
  }
  f.clock.advance(120);
  ASSERT_TRUE(f.node->release_due());
  // Another node took the same, the last one first.
  NodeFixture other;
  const auto elsewhere = other.node();
  std::ranges::reverse(all);
  for (const Message& one : all) ASSERT_TRUE(elsewhere->submit_messages({one}, Origin::peer));
  const auto listed = f.spy->feed("").value().messages;
  EXPECT_EQ(listed, elsewhere->feed("").value().messages);
  EXPECT_EQ(listed.size(), 40U);
}

TEST(Embargo, HidesNoMessageOfABlockBesideTheBestChain) {
  Discreet f;
  const Message ours = f.write("ours");
  for (const Block& block : f.builder.blocks(f.builder.genesis(), 2))
    ASSERT_TRUE(f.node->submit_block(block));
  const std::string cursor = f.spy->feed("").value().cursor;
  const Block beside = f.builder.block(f.builder.genesis(), {ours}, f.clock.now());
  ASSERT_EQ(f.node->submit_block(beside).value().verdict, Verdict::accepted);
  ASSERT_TRUE(f.is_pooled(ours)) << "the best chain has it";
  EXPECT_TRUE(Discreet::sees(*f.spy, ours));
  EXPECT_EQ(f.spy->feed(cursor).value().messages, std::vector{short_id(ours)});
}

TEST(Embargo, AsksForWhatIsKeptBackInACompactBlock) {
  Discreet f;
  const Message ours = f.write("ours");
  const Message theirs = f.message("theirs");
  ASSERT_TRUE(f.node->submit_messages({theirs}, Origin::peer));
  std::vector<Message> both = {ours, theirs};
  std::ranges::sort(both, {}, [](const Message& one) { return id_of(one); });
  const Block block = f.builder.block(f.builder.genesis(), both, f.clock.now());
  const auto compact = chain::compact_of(block);
  for (node::PublicNode* viewer : {&f.stranger, &*f.spy}) {
    const auto rebuilt = viewer->submit_compact(compact).value();
    EXPECT_FALSE(rebuilt.outcome);
    EXPECT_EQ(rebuilt.need, std::vector{short_id(ours)});
  }
  EXPECT_FALSE(Discreet::sees(*f.spy, ours));
  // It comes with the block, as from anybody who is asked for it.
  ASSERT_TRUE(f.stranger.submit_messages({ours}, Origin::peer));
  EXPECT_TRUE(Discreet::sees(*f.spy, ours));
  const auto taken = f.stranger.submit_compact(compact).value();
  ASSERT_TRUE(taken.outcome);
  EXPECT_EQ(taken.outcome->verdict, Verdict::accepted);
}

TEST(Embargo, DrawsNobodyWhoTakesNothing) {
  Discreet f;
  node::Embargo& embargo = f.node->embargo();
  embargo.note_takes("one", false);
  for (int hour = 0; hour < 50; ++hour) {
    f.clock.advance(3600);
    ASSERT_TRUE(embargo.set_callable({"one", "two"}));
    EXPECT_TRUE(embargo.is_confidant("two"));
  }
  embargo.note_takes("two", false);
  f.write("ours");
  ASSERT_TRUE(embargo.set_callable({"one", "two"}));
  EXPECT_FALSE(embargo.confidant());
  EXPECT_EQ(embargo.take_due().size(), 1U) << "nobody is left who could be given it";
  embargo.note_takes("one", true);
  ASSERT_TRUE(embargo.set_callable({"one", "two"}));
  EXPECT_TRUE(embargo.is_confidant("one"));
}

TEST(Embargo, HidesNoMessageOfABlock) {
  Discreet f;
  const Message ours = f.write("ours");
  ASSERT_TRUE(f.node->submit_block(f.builder.block(f.builder.genesis(), {ours}, f.clock.now())));
  EXPECT_EQ(f.spy->messages({short_id(ours)}).value().size(), 1U);
  EXPECT_EQ(f.spy->info().value().pool_messages, 0U);
  f.clock.advance(120);
  const std::string cursor = f.spy->feed("").value().cursor;
  ASSERT_TRUE(f.node->release_due());
  EXPECT_EQ(f.spy->feed(cursor).value().cursor, cursor);
}

TEST(Embargo, NeedsSomebodyToGiveTo) {
  NodeFixture f;
  const auto node = f.node();
  node::PublicNode stranger(*node);
  const Message early = f.message("before it knows anybody");
  ASSERT_TRUE(node->submit_messages({early}, Origin::own));
  EXPECT_TRUE(Discreet::sees(stranger, early));
  ASSERT_TRUE(node->embargo().set_callable({"one"}));
  const Message kept = f.message("kept back");
  ASSERT_TRUE(node->submit_messages({kept}, Origin::own));
  EXPECT_FALSE(Discreet::sees(stranger, kept));
  ASSERT_TRUE(node->embargo().set_callable({}));
  ASSERT_TRUE(node->release_due());
  EXPECT_TRUE(Discreet::sees(stranger, kept)) << "nobody is left who could be given it";
}

TEST(Embargo, GivesAHundredMessagesOfOneHourToOnePeer) {
  Discreet f;
  const std::vector<std::string> peers = {"a", "b", "c", "d", "e", "f", "g", "h"};
  std::set<std::string> met;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(f.node->embargo().set_callable(peers));
    f.write("ours " + std::to_string(i));
    met.insert(*f.node->embargo().confidant());
    f.clock.advance(35);
  }
  EXPECT_EQ(met.size(), 1U);
  for (int hour = 0; hour < 100; ++hour) {
    f.clock.advance(3600);
    ASSERT_TRUE(f.node->embargo().set_callable(peers));
    met.insert(*f.node->embargo().confidant());
  }
  EXPECT_EQ(met.size(), peers.size()) << "each has its hour";
}

TEST(Embargo, DrawsAnewWhenThePeerCannotBeCalled) {
  Discreet f;
  ASSERT_TRUE(f.node->embargo().set_callable({"one", "two", "three"}));
  const auto first = f.node->embargo().confidant();
  ASSERT_TRUE(f.node->embargo().set_callable({"four"}));
  EXPECT_TRUE(f.node->embargo().is_confidant("four"));
  EXPECT_NE(first, f.node->embargo().confidant());
}

/// Exchanges as a serving node has them.
struct Exchanging : Discreet {
  explicit Exchanging() : far_store(builder.rules_text()) {
    far = node::Node::make({.store = far_store,
                            .chain = builder.chain(),
                            .clock = clock,
                            .entropy = entropy,
                            .outbox = nullptr,
                            .key = {},
                            .agent = "far",
                            .reorg = {},
                            .pool = {}})
              .value();
  }
  node::SyncReport sync(node::Service& here, SimTransport& there, node::SyncOptions options = {}) {
    return node::sync_with(here, there, builder.chain(), clock, options).value();
  }

  node::MemoryStore far_store;
  std::unique_ptr<node::Node> far;
};

TEST(Embargo, AnswersWhoBringsTheMessageAsANodeThatLackedIt) {
  // Ours has the best stamp, and what is brought may bear any.
  for (const std::vector<std::uint64_t>& stamps : {std::vector<std::uint64_t>{0, 0},
                                                   {0, 16, 16},
                                                   {1U << 8, 1U << 8},
                                                   {1U << 12, 0, 1U << 12}}) {
    Exchanging f;
    const Message ours = f.message("ours", 1U << 8);
    ASSERT_TRUE(f.node->submit_messages({ours}, Origin::own));
    std::vector<Message> pack;
    for (const std::uint64_t stamp : stamps) pack.push_back(f.message("ours", stamp));
    node::PublicNode other(*f.far);
    const auto verdicts = [&](node::Service& node) {
      std::vector<Verdict> all;
      for (const auto& one : node.submit_messages(pack, Origin::peer).value())
        all.push_back(one.verdict);
      return all;
    };
    EXPECT_EQ(verdicts(f.stranger), verdicts(other));
    EXPECT_EQ(f.stranger.messages({short_id(ours)}).value(),
              other.messages({short_id(ours)}).value());
    EXPECT_EQ(f.stranger.feed("").value().messages, other.feed("").value().messages);
    EXPECT_EQ(f.stranger.info().value().pool_bytes, other.info().value().pool_bytes);
    EXPECT_EQ(verdicts(f.stranger), verdicts(other));
  }
}

TEST(Embargo, ExchangesGiveTheMessageToTheConfidantOnly) {
  Exchanging f;
  SimTransport there(*f.far);
  const Message ours = f.write("ours");
  EXPECT_EQ(f.sync(*f.spy, there).pushed_messages, 0U);
  EXPECT_EQ(there.traffic.messages_in, 0U);
  const auto given = f.sync(*f.confidant, there);
  EXPECT_EQ(given.pushed_messages, 1U);
  EXPECT_EQ(given.peer_has, std::vector{short_id(ours)});
  // The confidant tells of it itself: that is no return.
  f.sync(*f.confidant, there);
  EXPECT_FALSE(Discreet::sees(*f.spy, ours));
  // Another that tells of it is.
  f.sync(*f.spy, there);
  EXPECT_TRUE(Discreet::sees(*f.spy, ours));
}

TEST(Embargo, IsOfferedByCursorOnceItIsOver) {
  Exchanging f;
  SimTransport there(*f.far);
  auto report = f.sync(*f.spy, there);
  f.write("ours");
  const auto again = [&] {
    return f.sync(*f.spy, there, {.cursor = report.cursor, .own_cursor = report.own_cursor});
  };
  report = again();
  EXPECT_EQ(report.pushed_messages, 0U);
  f.clock.advance(120);
  ASSERT_TRUE(f.node->release_due());
  report = again();
  EXPECT_EQ(report.pushed_messages, 1U);
}

}  // namespace
}  // namespace bmsg
