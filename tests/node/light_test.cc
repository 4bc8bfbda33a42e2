// Light nodes: heads from anybody, bodies of what is wanted, and nothing believed that its head
// does not say.

#include <algorithm>

#include "tests/node/light_world.h"

namespace bmsg::node {
namespace {

TEST(Light, KeepsHeadsAndTheBodiesOfWhatMayBeACard) {
  LightWorld world;
  const auto blocks = world.mixed(world.builder.genesis(), 20, "m");
  world.ben.take(blocks);
  const auto report = report_of(world.sync_lea(world.wire));
  EXPECT_EQ(report.pulled_blocks, 20U);
  EXPECT_EQ(report.pulled_bodies, 20U);
  EXPECT_EQ(report.withheld_bodies, 0U);
  EXPECT_EQ(world.lea.tip(), world.ben.tip());
  for (const Block& block : blocks) {
    const auto kept = world.lea.store.block(chain::hash_of(block.header), Bodies::with).value();
    EXPECT_EQ(chain::message_root(*kept), block.header.root);
    for (const Message& message : kept->messages)
      EXPECT_EQ(message.body.has_value(), message.head.topic.is_zero());
  }
  EXPECT_TRUE(world.wanted().empty());
}

TEST(Light, WhatIsLargerThanACardIsNotAskedFor) {
  LightWorld world;
  Message most = world.message("most");
  Message more = world.message("more");
  world.builder.set_body(most, Bytes(kCardBytesMax, 1));
  world.builder.set_body(more, Bytes(kCardBytesMax + 1, 1));
  world.ben.take({world.builder.block(world.builder.genesis(), {most, more}, world.clock.now())});
  report_of(world.sync_lea(world.wire));
  EXPECT_TRUE(world.body_of(most));
  EXPECT_FALSE(world.body_of(more));
}

TEST(Light, NothingCanBeHiddenAddedOrAltered) {
  LightWorld world;
  world.ben.take(world.mixed(world.builder.genesis(), 3, "m"));
  const std::vector<std::function<void(Block&)>> changes = {
      [](Block& block) { block.messages.pop_back(); },
      [&](Block& block) { block.messages.push_back(world.topical("added")); },
      [](Block& block) { block.messages[0].head.time += 1; },
      [](Block& block) { block.messages[1].nonce += 1; },
      [](Block& block) { block.messages[1].head.body_hash = BodyHash::filled(1); },
      [&](Block& block) { block.messages[0] = world.topical("instead"); },
      [](Block& block) { std::swap(block.messages[0], block.messages[1]); }};
  for (const auto& change : changes) {
    world.wire.lies.blocks = [&](Height, std::vector<Block>& blocks) { change(blocks.back()); };
    const auto lied = world.sync_lea(world.wire);
    ASSERT_FALSE(lied);
    EXPECT_EQ(lied.error().code, Errc::protocol) << lied.error().message;
    EXPECT_NE(lied.error().message.find("block 3 breaks the rule "), std::string::npos)
        << lied.error().message;
    EXPECT_EQ(world.lea.height(), 2U);
  }
  world.wire.lies.blocks = {};
  report_of(world.sync_lea(world.wire));
  EXPECT_EQ(world.lea.height(), 3U);
}

TEST(Light, AWithheldBodyIsToldAndAskedElsewhere) {
  LightWorld world;
  world.ben.take(world.mixed(world.builder.genesis(), 4, "m"));
  int asked = 0;
  world.wire.lies.messages = [&](std::vector<Message>& messages) {
    if (++asked > 1) messages.clear();
    if (!messages.empty()) messages.resize(1);
  };
  const auto lied = report_of(world.sync_lea(world.wire));
  EXPECT_EQ(lied.pulled_bodies, 1U);
  EXPECT_EQ(lied.withheld_bodies, 3U);
  EXPECT_EQ(world.wanted().size(), 3U);
  world.ana.take(world.mixed(world.builder.genesis(), 4, "m"));
  SimTransport other(*world.ana.service);
  const auto given = report_of(world.sync_lea(other));
  EXPECT_EQ(given.pulled_bodies, 3U);
  EXPECT_EQ(given.withheld_bodies, 0U);
  EXPECT_TRUE(world.wanted().empty());
}

TEST(Light, WhoIsOnAnotherBranchWithholdsNothing) {
  LightWorld world;
  world.ben.take(world.mixed(world.builder.genesis(), 4, "m"));
  world.wire.lies.messages = [](std::vector<Message>& messages) { messages.clear(); };
  EXPECT_EQ(report_of(world.sync_lea(world.wire)).withheld_bodies, 4U);
  world.ana.take(world.mixed(world.builder.genesis(), 3, "other"));
  SimTransport parted(*world.ana.service);
  EXPECT_EQ(report_of(world.sync_lea(parted)).withheld_bodies, 0U);
  EXPECT_EQ(world.lea.height(), 4U);
}

TEST(Light, AFalseBodyAndOneNotAskedForAreLies) {
  LightWorld world;
  const auto blocks = world.mixed(world.builder.genesis(), 2, "m");
  world.ben.take(blocks);
  const std::vector<std::function<void(std::vector<Message>&)>> lies = {
      [](std::vector<Message>& messages) { messages[0].body->front() ^= 1; },
      [](std::vector<Message>& messages) { messages[0].body->push_back(0); },
      [](std::vector<Message>& messages) { messages[0].body.reset(); },
      [&](std::vector<Message>& messages) { messages.push_back(world.topical("unasked")); }};
  for (const auto& lie : lies) {
    world.wire.lies.messages = lie;
    const auto lied = world.sync_lea(world.wire);
    ASSERT_FALSE(lied);
    EXPECT_EQ(lied.error().code, Errc::protocol);
    EXPECT_EQ(world.wanted().size(), 2U);
  }
}

TEST(Light, WhatExpiredIsNotWantedAndNotHeldAgainstAPeer) {
  LightWorld world;
  const auto blocks = world.mixed(world.builder.genesis(), 2, "m");
  world.ben.take(blocks);
  world.wire.lies.messages = [](std::vector<Message>& messages) { messages.clear(); };
  EXPECT_EQ(report_of(world.sync_lea(world.wire)).withheld_bodies, 2U);
  world.clock.advance(40 * 86400);
  EXPECT_EQ(report_of(world.sync_lea(world.wire)).withheld_bodies, 0U);
  SimNode later(world.builder, world.clock, 4, kAnyReorg, Keeps::heads);
  report_of(sync_with(*later.service, world.wire, world.builder.chain(), world.clock, {}));
  EXPECT_EQ(later.height(), 2U);
  EXPECT_TRUE(later.store.wanted().value().empty());
}

TEST(Light, OwnMessagesKeepTheirBodiesInBlocksAndOverReorganisations) {
  LightWorld world;
  const Message own = world.topical("own");
  world.lea.pool({own});
  const Header genesis = world.builder.genesis();
  const Block first = world.builder.block(genesis, {own}, world.clock.now());
  world.lea.take({without_bodies(first)});
  EXPECT_EQ(world.lea.pool_size(), 0U);
  EXPECT_EQ(world.body_of(own), own.body);

  const Block empty = world.builder.block(genesis);
  const Block again = world.builder.block(empty.header, {own}, UnixSeconds{world.clock.now()});
  world.lea.take({without_bodies(empty), without_bodies(again)});
  EXPECT_EQ(world.lea.tip().hash, chain::hash_of(again.header));
  const auto whole = world.lea.store.block(chain::hash_of(again.header), Bodies::with).value();
  EXPECT_EQ(whole->messages[0].body, own.body);

  // Off the chain it waits again, with its body.
  auto longer = world.builder.blocks(genesis, 4);
  world.lea.take(longer);
  EXPECT_TRUE(world.lea.has_pooled(own));
}

TEST(Light, ABodyThatCameIsThereOnOtherBranchesToo) {
  LightWorld world;
  const Message ours = world.topical("ours");
  const Header genesis = world.builder.genesis();
  world.lea.take({without_bodies(world.builder.block(genesis, {ours}, world.clock.now()))});
  EXPECT_FALSE(world.body_of(ours));
  ASSERT_TRUE(world.lea.service->want_bodies({chain::id_of(ours.head)}));
  EXPECT_EQ(world.lea.service->keep_bodies({ours}).value(), 1U);
  const Block empty = world.builder.block(genesis);
  const Block again = world.builder.block(empty.header, {ours}, world.clock.now());
  world.lea.take({empty, without_bodies(again)});
  const auto whole = world.lea.store.block(chain::hash_of(again.header), Bodies::with).value();
  EXPECT_EQ(whole->messages[0].body, ours.body);
}

TEST(Light, KeepsOnlyWhatIsWanted) {
  LightWorld world;
  const auto blocks = world.mixed(world.builder.genesis(), 1, "m");
  world.lea.take({without_bodies(blocks[0])});
  const auto& messages = blocks[0].messages;
  const auto topical = std::ranges::find(messages, Topic::filled(7),
                                         [](const Message& message) { return message.head.topic; });
  EXPECT_EQ(world.lea.service->keep_bodies({*topical}).value(), 0U);
  EXPECT_FALSE(world.body_of(*topical));
  ASSERT_TRUE(world.lea.service->want_bodies({chain::id_of(topical->head), MessageId()}));
  EXPECT_EQ(world.wanted().size(), 2U);  // The small one, too; what is nowhere is not.
  Message other = *topical;
  other.body->front() ^= 1;
  EXPECT_EQ(world.lea.service->keep_bodies({other}).value(), 0U);
  // A file of whole blocks brings it as well.
  EXPECT_EQ(world.lea.service->submit_block(blocks[0]).value().verdict, Verdict::known);
  EXPECT_EQ(world.body_of(*topical), topical->body);
  EXPECT_TRUE(world.wanted().empty());
}

TEST(Light, TakesOnlyHeadsOfWholeBlocks) {
  LightWorld world;
  const auto blocks = world.mixed(world.builder.genesis(), 3, "m");
  world.lea.take(blocks);
  for (const Block& block : blocks) {
    for (const Message& message : block.messages)
      EXPECT_EQ(world.body_of(message).has_value(), message.head.topic.is_zero());
  }
  EXPECT_TRUE(world.wanted().empty());
}

TEST(Light, FetchesATopicWhenAsked) {
  LightWorld world;
  world.ben.take(world.mixed(world.builder.genesis(), 3, "m"));
  report_of(world.sync_lea(world.wire));
  SyncOptions options;
  options.topic = Topic::filled(6);
  EXPECT_EQ(report_of(world.sync_lea(world.wire, options)).pulled_bodies, 0U);
  options.topic = Topic::filled(7);
  EXPECT_EQ(report_of(world.sync_lea(world.wire, options)).pulled_bodies, 3U);
}

TEST(Light, GivesItsOwnMessagesAndIsGivenNoOthers) {
  LightWorld world;
  const Message own = world.topical("own");
  const Message foreign = world.topical("foreign");
  world.lea.pool({own});
  world.ben.pool({foreign});
  report_of(world.sync_lea(world.wire));
  EXPECT_TRUE(world.ben.has_pooled(own));
  EXPECT_FALSE(world.lea.has_pooled(foreign));
  SimTransport to_lea(*world.lea.service);
  report_of(sync_with(*world.ben.service, to_lea, world.builder.chain(), world.clock, {}));
  EXPECT_FALSE(world.lea.has_pooled(foreign));
}

TEST(Light, IsGivenBlocksWithoutBodies) {
  LightWorld world;
  world.ben.take(world.mixed(world.builder.genesis(), 5, "m"));
  SimTransport to_lea(*world.lea.service);
  const auto report =
      report_of(sync_with(*world.ben.service, to_lea, world.builder.chain(), world.clock, {}));
  EXPECT_EQ(report.pushed_blocks, 5U);
  EXPECT_EQ(world.lea.tip(), world.ben.tip());
  EXPECT_EQ(to_lea.traffic.puts, std::vector<std::string>{"BBBBB"});
  EXPECT_EQ(world.wanted().size(), 5U);
}

TEST(Light, IsNoSourceForWhoKeepsBodies) {
  LightWorld world;
  world.lea.take(world.mixed(world.builder.genesis(), 5, "m"));
  SimTransport to_lea(*world.lea.service);
  const auto report = report_of(world.sync(to_lea));
  EXPECT_TRUE(report.peer.light);
  EXPECT_EQ(world.ana.height(), 0U);
  EXPECT_EQ(to_lea.traffic.blocks_in, 0U);
  EXPECT_FALSE(report.stopped_by_policy);
  // Nor does it give any.
  report_of(world.sync_lea(world.wire));
  EXPECT_EQ(world.ben.height(), 0U);
}

TEST(Light, TellsNobodyWhichBodiesItHasAndMakesNoBlocks) {
  LightWorld world;
  const Message own = world.topical("own");
  world.lea.pool({own});
  const ShortId id = prefix_of<ShortId>(chain::id_of(own.head));
  EXPECT_EQ(world.lea.service->messages({id}).value().size(), 1U);
  world.lea.take(
      {without_bodies(world.builder.block(world.builder.genesis(), {own}, world.clock.now()))});
  EXPECT_EQ(world.body_of(own), own.body);
  EXPECT_TRUE(world.lea.service->messages({id}).value().empty());
  EXPECT_EQ(world.lea.service->block_template({}).error().code, Errc::unreachable);
}

}  // namespace
}  // namespace bmsg::node
