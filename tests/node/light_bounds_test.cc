// Light nodes: what they neither take, nor tell, nor ask for without end.

#include <cstring>

#include "lib/chain/pack.h"
#include "tests/node/light_world.h"

namespace bmsg::node {
namespace {

TEST(Light, PoolsNothingThatOthersBring) {
  LightWorld world;
  const Message own = world.topical("own");
  world.lea.pool({own});
  const Message foreign = world.topical("foreign");
  const Message wanted = world.topical("wanted");
  world.lea.take(
      {without_bodies(world.builder.block(world.builder.genesis(), {wanted}, world.clock.now()))});
  ASSERT_TRUE(world.lea.service->want_bodies({chain::id_of(wanted.head)}));
  const auto outcomes =
      world.lea.service->submit_messages({foreign, own, wanted}, Origin::peer).value();
  ASSERT_EQ(outcomes.size(), 3U);
  for (const auto& outcome : outcomes) EXPECT_EQ(outcome.verdict, Verdict::known);
  EXPECT_FALSE(world.lea.has_pooled(foreign));
  EXPECT_TRUE(world.lea.has_pooled(own));
  EXPECT_EQ(world.body_of(wanted), wanted.body);
  // A node that keeps all takes what it is given.
  ASSERT_TRUE(world.ben.service->submit_messages({foreign}, Origin::peer));
  EXPECT_TRUE(world.ben.has_pooled(foreign));
}

TEST(Light, AsksForNothingToBuildABlockOf) {
  LightWorld world;
  const Block block = world.mixed(world.builder.genesis(), 1, "m").front();
  const auto lea = world.lea.service->submit_compact(chain::compact_of(block)).value();
  EXPECT_TRUE(lea.need.empty());
  ASSERT_TRUE(lea.outcome);
  EXPECT_EQ(lea.outcome->verdict, Verdict::held);
  EXPECT_EQ(world.ben.service->submit_compact(chain::compact_of(block)).value().need.size(), 2U);
}

TEST(Light, WantsCardsOfTheBestChainOnly) {
  LightWorld world;
  const Header genesis = world.builder.genesis();
  world.lea.take(world.builder.blocks(genesis, 2));
  const Message small = world.message("small", UnixSeconds{genesis.time.value + 600});
  const Block side = world.builder.block(genesis, {small});
  world.lea.take({without_bodies(side)});
  EXPECT_EQ(world.lea.height(), 2U);
  EXPECT_TRUE(world.wanted().empty());
  world.lea.take(world.builder.blocks(side.header, 2));
  EXPECT_EQ(world.lea.height(), 3U);
  EXPECT_EQ(world.wanted(), std::vector{chain::id_of(small.head)});
}

TEST(Light, WantsNothingOfBlocksThatAreForgotten) {
  LightWorld world;
  ReorgPolicy policy = kAnyReorg;
  policy.side_bytes_max = 1;
  policy.side_branch_bytes_max = 0;
  SimNode lea(world.builder, world.clock, 5, policy, Keeps::heads);
  const Header genesis = world.builder.genesis();
  lea.take(world.builder.blocks(genesis, 3));
  const Message gone = world.topical("gone");
  const Message both = world.topical("both");
  const Message other = world.topical("other");
  lea.take({without_bodies(world.builder.block(genesis, {gone, both}, world.clock.now()))});
  ASSERT_TRUE(lea.service->want_bodies({chain::id_of(gone.head), chain::id_of(both.head)}));
  EXPECT_EQ(lea.store.wanted().value().size(), 2U);
  lea.take({without_bodies(world.builder.block(genesis, {both, other}, world.clock.now()))});
  EXPECT_TRUE(lea.store.places_of(chain::id_of(gone.head)).value().empty());
  EXPECT_EQ(lea.store.wanted().value(), std::vector{chain::id_of(both.head)});
}

TEST(Light, WhatExpiredAndIsNobodysMailIsWantedNoMore) {
  LightWorld world;
  world.lea.take({without_bodies(world.mixed(world.builder.genesis(), 1, "m").front())});
  EXPECT_EQ(world.lea.service->wanted_bodies().value().size(), 1U);
  EXPECT_EQ(world.wanted().size(), 1U);
  world.clock.advance(40 * 86400);
  EXPECT_TRUE(world.lea.service->wanted_bodies().value().empty());
  EXPECT_TRUE(world.wanted().empty());
}

TEST(Light, WantsNoMoreThanABound) {
  constexpr std::size_t kMost = 65'536;
  LightWorld world;
  world.lea.take({without_bodies(world.mixed(world.builder.genesis(), 1, "m").front())});
  const auto card = world.wanted();
  ASSERT_EQ(card.size(), 1U);
  auto& wanted = world.lea.store.records().wanted;
  const auto add = [&](std::uint32_t number) {
    MessageId id;
    std::memcpy(id.data(), &number, sizeof number);
    wanted.insert(id);
  };
  for (std::uint32_t i = 1; i < kMost; ++i) add(i);
  ASSERT_EQ(wanted.size(), kMost);
  EXPECT_EQ(world.lea.service->wanted_bodies().value().size(), 1U);
  EXPECT_EQ(wanted.size(), kMost);
  add(kMost);
  EXPECT_EQ(world.lea.service->wanted_bodies().value().size(), 1U);
  EXPECT_EQ(wanted.size(), kMost);
  EXPECT_TRUE(wanted.contains(card.front()));
}

TEST(Light, TellsNobodyWhatCameBackFromABlock) {
  LightWorld world;
  const Message read = world.topical("read");
  const Header genesis = world.builder.genesis();
  world.lea.take({without_bodies(world.builder.block(genesis, {read}, world.clock.now()))});
  ASSERT_TRUE(world.lea.service->want_bodies({chain::id_of(read.head)}));
  ASSERT_EQ(world.lea.service->keep_bodies({read}).value(), 1U);
  const std::string cursor = world.lea.service->feed("").value().cursor;
  world.lea.take(world.builder.blocks(genesis, 2));
  EXPECT_EQ(world.lea.height(), 2U);
  EXPECT_TRUE(world.lea.has_pooled(read));  // Its reader has not lost it.
  const ShortId id = prefix_of<ShortId>(chain::id_of(read.head));
  const auto offered = [&] {
    return world.lea.service->feed("").value().messages.size() +
           world.lea.service->feed(cursor).value().messages.size() +
           world.lea.service->messages({id}).value().size();
  };
  EXPECT_EQ(offered(), 0U);
  // The outbox says that it is ours.
  EXPECT_EQ(world.lea.service->submit_messages({read}, Origin::own).value().front().verdict,
            Verdict::known);
  EXPECT_EQ(offered(), 3U);
}

TEST(Light, IdsThatBeginAlikeKeepNobodyAsking) {
  LightWorld world;
  const Block block = world.mixed(world.builder.genesis(), 1, "m").front();
  world.ben.take({block});
  world.lea.take({without_bodies(block)});
  auto& records = world.lea.store.records();
  const MessageId there = *records.wanted.begin();
  MessageId alike = there;
  alike.data()[MessageId::kSize - 1] ^= 1;
  records.wanted = {alike};
  records.places[alike] = records.places[there];
  const auto report = report_of(world.sync_lea(world.wire));
  EXPECT_EQ(report.pulled_bodies, 0U);
  EXPECT_EQ(report.withheld_bodies, 1U);
}

}  // namespace
}  // namespace bmsg::node
