#include "lib/node/sync_session.h"

#include "lib/node/block_queue.h"
#include "lib/node/header_sync.h"
#include "tests/node/sync_fixture.h"

namespace bmsg::node {
namespace {

using Direction = SyncOptions::Direction;

TEST(SyncSession, FetchesBlocksWithTheirMessages) {
  SyncWorld world;
  const auto blocks = world.blocks(60, "old ");
  world.ben.take(blocks);
  SimTransport transport(*world.ben.service);
  const auto report = report_of(world.sync(transport));
  EXPECT_EQ(report.pulled_blocks, 60U);
  EXPECT_EQ(report.pushed_blocks, 0U);
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
  const auto last = world.ana.service->block(world.ana.tip().hash, Bodies::with);
  EXPECT_EQ(last.value(), blocks.back());
  EXPECT_EQ(transport.traffic.blocks_in, 60U);
  EXPECT_LE(transport.traffic.requests, 7U);  // info, headers, 4 aligned ranges, feed.
}

TEST(SyncSession, GivesBlocksToAPeerThatLacksThem) {
  SyncWorld world;
  world.ana.take(world.blocks(60, "old "));
  const auto report = report_of(world.sync());
  EXPECT_EQ(report.pulled_blocks, 0U);
  EXPECT_EQ(report.pushed_blocks, 60U);
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
}

TEST(SyncSession, AsksAnEqualPeerNoMoreThanFourTimes) {
  SyncWorld world;
  const auto blocks = world.blocks(20, "old ");
  const auto message = world.message("waits");
  for (SimNode* node : {&world.ana, &world.ben}) {
    node->take(blocks);
    node->pool({message});
  }
  SimTransport transport(*world.ben.service);
  report_of(world.sync(transport));
  EXPECT_LE(transport.traffic.requests, 4U);
  EXPECT_EQ(transport.traffic.blocks_in, 0U);
  EXPECT_EQ(transport.traffic.messages_in, 0U);
}

TEST(SyncSession, SaysWhatThePeerSaysOfItself) {
  SyncWorld world;
  SimTransport transport(*world.ben.service);
  transport.lies.info = [](NodeInfo& info) { info.now.value += 90; };
  const auto report = report_of(world.sync(transport));
  EXPECT_EQ(report.clock_ahead, 90);
  EXPECT_EQ(report.peer.agent, "sim");
}

TEST(SyncSession, HealsATieWhoeverCalls) {
  for (const bool smaller_calls : {false, true}) {
    SyncWorld world;
    const Block one = world.blocks(1, "one").front();
    const Block two = world.blocks(1, "two").front();
    const bool one_wins = chain::hash_of(one.header) < chain::hash_of(two.header);
    world.ana.take({one_wins == smaller_calls ? one : two});
    world.ben.take({one_wins == smaller_calls ? two : one});
    ASSERT_EQ(world.ana.tip().work, world.ben.tip().work);
    report_of(world.sync());
    EXPECT_EQ(world.ana.tip().hash, chain::hash_of((one_wins ? one : two).header));
    EXPECT_EQ(world.ben.tip(), world.ana.tip());
  }
}

class ForkOfDepth : public testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Blocks, ForkOfDepth, testing::Values(1, 14, 15, 16, 20, 31, 200));

TEST_P(ForkOfDepth, IsHealedByPulling) {
  SyncWorld world;
  const auto common = world.blocks(10, "common ");
  const auto lost = world.blocks(common.back().header, GetParam(), "lost ");
  const auto won = world.blocks(common.back().header, GetParam() + 1, "won ");
  world.ana.take(common);
  world.ben.take(common);
  world.ana.take(lost);
  world.ben.take(won);
  const auto report = report_of(world.sync());
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
  EXPECT_EQ(report.pulled_blocks, won.size());
  ASSERT_TRUE(report.reorg.has_value());
  EXPECT_EQ(report.reorg->depth, lost.size());
  EXPECT_EQ(report.reorg->returned.size(), lost.size());
  EXPECT_EQ(world.ana.pool_size(), lost.size());
  EXPECT_EQ(world.ben.pool_size(), lost.size());
}

TEST_P(ForkOfDepth, IsHealedByPushing) {
  SyncWorld world;
  const auto common = world.blocks(10, "common ");
  const auto lost = world.blocks(common.back().header, GetParam(), "lost ");
  const auto won = world.blocks(common.back().header, GetParam() + 1, "won ");
  world.ana.take(common);
  world.ben.take(common);
  world.ana.take(won);
  world.ben.take(lost);
  const auto report = report_of(world.sync());
  EXPECT_EQ(world.ben.tip(), world.ana.tip());
  EXPECT_EQ(report.pushed_blocks, won.size());
  EXPECT_EQ(world.ana.pool_size(), lost.size());
}

TEST(SyncSession, FollowsAShorterChainOfMoreWork) {
  SyncWorld world(easy_rules_text("halflife", "600"));
  world.ana.take(world.blocks(5, "slow "));
  // Three blocks a second apart are dearer each than five at their price.
  Header parent = world.builder.genesis();
  for (int i = 0; i < 3; ++i) {
    const UnixSeconds time{parent.time.value + 1};
    const Block block = world.builder.block(parent, {}, time);
    world.ben.take({block});
    parent = block.header;
  }
  ASSERT_GT(world.ben.tip().work, world.ana.tip().work);
  report_of(world.sync());
  EXPECT_EQ(world.ana.height(), 3U);
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
}

TEST(SyncSession, KeepsABranchThatPolicyDoesNotFollow) {
  SyncWorld world;
  SimNode careful(world.builder, world.clock, 3,
                  {.depth_max = 5, .seconds_max = 600, .endorsed_depth_max = 5});
  careful.take(world.blocks(6, "mine "));
  world.ben.take(world.blocks(8, "theirs "));
  const Tip before = careful.tip();
  for (const std::uint64_t fetched : {8U, 0U}) {
    SimTransport transport(*world.ben.service);
    const auto report =
        report_of(sync_with(*careful.service, transport, world.builder.chain(), world.clock, {}));
    EXPECT_TRUE(report.stopped_by_policy);
    EXPECT_EQ(report.pulled_blocks, fetched);
    EXPECT_EQ(transport.traffic.blocks_in, fetched);
    EXPECT_EQ(careful.tip(), before);
  }
}

TEST(SyncSession, TakesBlocksUpToWhatIsHeld) {
  SyncWorld world;
  const auto blocks = world.blocks(10, "soon ");
  world.ben.take(blocks);
  const std::uint64_t seventh = blocks[6].header.time.value;
  world.clock.set(seventh - 120);
  auto report = report_of(world.sync());
  EXPECT_EQ(world.ana.height(), 7U);
  EXPECT_TRUE(report.held);
  world.clock.set(seventh - 121);
  SimNode late(world.builder, world.clock, 3);
  SimTransport transport(*world.ben.service);
  report = report_of(sync_with(*late.service, transport, world.builder.chain(), world.clock, {}));
  EXPECT_EQ(late.height(), 6U);
  EXPECT_TRUE(report.held);
}

TEST(SyncSession, RefusesAPeerOnAnotherChain) {
  SyncWorld world;
  SyncWorld other(easy_rules_text("name", "other"));
  SimTransport transport(*other.ben.service);
  const auto result = world.sync(transport);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::bad_config);
  EXPECT_EQ(transport.traffic.requests, 1U);
}

TEST(SyncSession, GoesOneWayIfAsked) {
  SyncWorld world;
  world.ana.take(world.blocks(3, "mine "));
  world.ana.pool({world.message("from ana")});
  world.ben.pool({world.message("from ben")});
  auto report = report_of(world.sync({.direction = Direction::pull}));
  EXPECT_EQ(report.pushed_blocks + report.pushed_messages, 0U);
  EXPECT_EQ(report.pulled_messages, 1U);
  EXPECT_EQ(world.ben.height(), 0U);
  world.ben.take(world.blocks(5, "theirs "));
  world.ben.pool({world.message("more from ben")});
  report = report_of(world.sync({.direction = Direction::push}));
  EXPECT_EQ(report.pulled_blocks + report.pulled_messages, 0U);
  EXPECT_EQ(report.pushed_messages, 1U);
  EXPECT_EQ(world.ana.height(), 3U);
}

TEST(SyncSession, StopsWhenTimeRunsOutAndKeepsWhatCameIn) {
  SyncWorld world;
  world.ben.take(world.blocks(60, "old "));
  SimTransport transport(*world.ben.service);
  SyncSession session(*world.ana.service, transport, world.builder.chain(), world.clock,
                      {.deadline = world.clock.steady() + std::chrono::seconds(10)});
  while (world.ana.height() == 0) ASSERT_TRUE(session.step().value());
  world.clock.advance(10);
  EXPECT_FALSE(session.step().value());
  EXPECT_TRUE(session.report().out_of_time);
  EXPECT_EQ(session.report().pulled_blocks, world.ana.height());
  EXPECT_LT(world.ana.height(), 60U);
}

TEST(SyncSession, StopsWhenAsked) {
  SyncWorld world;
  std::stop_source source;
  source.request_stop();
  SimTransport transport(*world.ben.service);
  EXPECT_TRUE(report_of(world.sync(transport, {.stop = source.get_token()})).out_of_time);
  EXPECT_EQ(transport.traffic.requests, 0U);
}

TEST(SyncSession, StopsAtItsShareOfBytes) {
  SyncWorld world;
  world.ben.take(world.blocks(60, "old "));
  const auto report = report_of(world.sync({.bytes_max = 20'000}));
  EXPECT_TRUE(report.out_of_bytes);
  EXPECT_LT(world.ana.height(), 60U);
}

TEST(SyncParts, JoinAChainThreeTimesAsLongAsOnePart) {
  for (const std::string& text : {pow_rules_text(), endorse_rules_text(2, 3)}) {
    for (const std::size_t most : {10U, 14U, 29U, 30U}) {
      SyncWorld world(text);
      world.ben.take(world.blocks(30, "old "));
      const auto report = report_of(world.sync({.staged_headers_max = most}));
      EXPECT_EQ(report.pulled_blocks, 30U) << most;
      EXPECT_FALSE(report.stopped_by_policy);
      EXPECT_EQ(world.ana.tip(), world.ben.tip());
    }
  }
}

TEST(SyncParts, GoOnInTheNextSessionWhereOneWasInterrupted) {
  SyncWorld world;
  world.ben.take(world.blocks(60, "old "));
  std::uint32_t sessions = 0;
  while (world.ana.height() < 60 && sessions < 20) {
    const std::uint32_t before = world.ana.height();
    report_of(world.sync({.bytes_max = 20'000, .staged_headers_max = 20}));
    EXPECT_GT(world.ana.height(), before);
    ++sessions;
  }
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
  EXPECT_GT(sessions, 1U);
}

TEST(SyncParts, ThatAreNotBetterThanOursAreLeftWithoutBlame) {
  SyncWorld world;
  world.ana.take(world.blocks(25, "mine "));
  world.ben.take(world.blocks(40, "theirs "));
  const auto report = report_of(world.sync({.staged_headers_max = 20}));
  EXPECT_EQ(report.pulled_blocks, 0U);
  EXPECT_FALSE(report.stopped_by_policy);
  EXPECT_EQ(world.ana.height(), 25U);
  EXPECT_EQ(report_of(world.sync({.staged_headers_max = 30})).pulled_blocks, 40U);
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
}

TEST(SyncParts, OfABranchThatPolicyStopsAreOne) {
  SyncWorld world;
  world.ana.restart(world.builder, world.clock, 1,
                    {.depth_max = 5, .seconds_max = 0, .endorsed_depth_max = 5});
  const auto mine = world.blocks(10, "mine ");
  world.ana.take(mine);
  world.ben.take(world.blocks(40, "theirs "));
  const auto report = report_of(world.sync({.staged_headers_max = 15}));
  EXPECT_TRUE(report.stopped_by_policy);
  EXPECT_EQ(report.pulled_blocks, 15U);
  EXPECT_EQ(world.ana.tip().hash, chain::hash_of(mine.back().header));
}

TEST(SyncParts, AreSharedBySessionsThatRunAtOnce) {
  SyncWorld world;
  world.ben.take(world.blocks(45, "old "));
  BlockQueue queue(world.clock);
  SimTransport first_wire(*world.ben.service);
  SimTransport second_wire(*world.ben.service);
  const SyncOptions options{.queue = &queue, .staged_headers_max = 15};
  SyncSession first(*world.ana.service, first_wire, world.builder.chain(), world.clock, options);
  SyncSession second(*world.ana.service, second_wire, world.builder.chain(), world.clock, options);
  bool first_goes = true;
  bool second_goes = true;
  for (int steps = 0; (first_goes || second_goes) && steps < 10'000; ++steps) {
    if (first_goes) first_goes = first.step().value();
    if (second_goes) second_goes = second.step().value();
  }
  EXPECT_FALSE(first_goes || second_goes);
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
  EXPECT_FALSE(first.report().stopped_by_policy || second.report().stopped_by_policy);
}

TEST(HeadersMax, OnAChainOfEndorsersIsOneASecondOrWhatIsStagedAtOnce) {
  chain::RulesText rules;
  rules.mode = chain::Mode::endorse;
  rules.time = 1'000'000;
  const std::uint64_t staged = kStagedHeadersMax;
  EXPECT_EQ(headers_max(rules, UnixSeconds{0}), staged);
  EXPECT_EQ(headers_max(rules, UnixSeconds{rules.time + staged - 120}), staged);
  EXPECT_EQ(headers_max(rules, UnixSeconds{rules.time + staged - 119}), staged + 1);
  EXPECT_EQ(headers_max(rules, UnixSeconds{rules.time + 3 * staged}), 3 * staged + 120);
}

TEST(HeadersMax, IsTheBoundOfTheSchedule) {
  chain::RulesText rules;
  rules.time = 1'000'000;
  const std::uint64_t year = 31'536'000;
  const std::uint64_t most = headers_max(rules, UnixSeconds{rules.time + year});
  EXPECT_GE(most, 53'482U);  // protocol: one year at the defaults.
  EXPECT_LE(most, 53'484U);
  EXPECT_GE(headers_max(rules, UnixSeconds{0}), 768U);
}

}  // namespace
}  // namespace bmsg::node
