#include "lib/node/miner.h"

#include <chrono>
#include <thread>

#include "tests/node/node_fixture.h"

namespace bmsg {
namespace {

using node::Verdict;

/// A test's second for the wall, real time for deadlines.
struct RunningClock final : Clock {
  explicit RunningClock(UnixSeconds now) : wall(now) {}
  UnixSeconds now() const override { return wall; }
  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::now();
  }
  UnixSeconds wall;
};

std::string hopeless_rules_text() { return easy_rules_text("floor", "1500ffff"); }

TEST(Miner, FindsABlockThatTheChainTakes) {
  NodeFixture f;
  const Message message = f.message("m");
  ASSERT_EQ(f.submit(message, node::Origin::own).verdict, Verdict::accepted);
  const auto work = f.node()->block_template({}).value();
  EXPECT_TRUE(work.has_work);
  const RunningClock clock(f.clock.now());
  const auto mined =
      node::mine(work, f.builder.chain(), clock, f.entropy, {.threads = 2, .on_progress = {}}, {})
          .value();
  ASSERT_TRUE(mined);
  EXPECT_EQ(f.accept(*mined).verdict, Verdict::accepted);
  EXPECT_FALSE(f.is_pooled(message));
}

TEST(Miner, DatesTheBlockByTheClockOfNow) {
  NodeFixture f;
  const auto work = f.node()->block_template({}).value();
  f.clock.advance(5'000);
  const RunningClock clock(f.clock.now());
  const auto mined = node::mine(work, f.builder.chain(), clock, f.entropy, {}, {}).value();
  ASSERT_TRUE(mined);
  EXPECT_EQ(mined->header.time, f.clock.now());
  EXPECT_EQ(f.accept(*mined).verdict, Verdict::accepted);
}

TEST(Miner, GivesUpABlockWithAMessageThatHasExpired) {
  NodeFixture f;
  Message brief = f.message("brief");
  brief.head.ttl = 10;
  f.builder.stamp(brief);
  ASSERT_EQ(f.submit(brief, node::Origin::own).verdict, Verdict::accepted);
  const auto work = f.node()->block_template({}).value();
  ASSERT_EQ(work.block.messages.size(), 1U);
  for (const std::uint64_t later : {9U, 10U}) {
    const RunningClock clock(UnixSeconds{f.clock.now().value + later});
    const auto mined = node::mine(work, f.builder.chain(), clock, f.entropy, {}, {}).value();
    EXPECT_EQ(mined.has_value(), later == 9U);
  }
}

TEST(Miner, DatesNoBlockMoreThanAMinuteAhead) {
  NodeFixture f;
  const Block ahead =
      f.builder.block(f.builder.genesis(), {}, UnixSeconds{f.clock.now().value + 100});
  ASSERT_EQ(f.accept(ahead).verdict, Verdict::accepted);
  const auto work = f.node()->block_template({}).value();
  std::stop_source stop;
  std::jthread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    stop.request_stop();
  });
  const RunningClock clock(f.clock.now());
  EXPECT_FALSE(node::mine(work, f.builder.chain(), clock, f.entropy, {}, stop.get_token()).value());
  const RunningClock nearer(UnixSeconds{f.clock.now().value + 41});
  const auto mined = node::mine(work, f.builder.chain(), nearer, f.entropy, {}, {}).value();
  ASSERT_TRUE(mined);
  EXPECT_EQ(mined->header.time.value, ahead.header.time.value + 1);
}

TEST(Miner, StopsSoonWhenItIsAsked) {
  NodeFixture f(hopeless_rules_text());
  const auto work = f.node()->block_template({}).value();
  const RunningClock clock(f.clock.now());
  auto best = std::chrono::steady_clock::duration::max();
  for (int i = 0; i < 5; ++i) {  // The least of some: the machine may be busy.
    std::stop_source stop;
    std::chrono::steady_clock::time_point asked;
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      asked = std::chrono::steady_clock::now();
      stop.request_stop();
    });
    const auto mined = node::mine(work, f.builder.chain(), clock, f.entropy,
                                  {.threads = 2, .on_progress = {}}, stop.get_token());
    const auto ended = std::chrono::steady_clock::now();
    other.join();
    ASSERT_TRUE(bool(mined));
    EXPECT_FALSE(mined.value());
    best = std::min(best, ended - asked);
  }
  EXPECT_LE(best, std::chrono::milliseconds(100));
}

TEST(Miner, SaysHowFarItIsAndEndsWhenToldTo) {
  NodeFixture f(hopeless_rules_text());
  const auto work = f.node()->block_template({}).value();
  const RunningClock clock(f.clock.now());
  node::MiningProgress seen;
  const auto end = [&](const node::MiningProgress& progress) {
    seen = progress;
    return false;
  };
  const auto mined =
      node::mine(work, f.builder.chain(), clock, f.entropy, {.threads = 1, .on_progress = end}, {});
  EXPECT_FALSE(mined.value());
  EXPECT_GT(seen.hashes, 0U);
  EXPECT_GE(seen.seconds, 0.19);
  EXPECT_GT(seen.expected_hashes, 1e24);
}

TEST(Miner, CountsTheHashesOfABlockThatIsFound) {
  NodeFixture f;
  const auto work = f.node()->block_template({}).value();
  const RunningClock clock(f.clock.now());
  node::MiningProgress seen;
  const auto keep = [&](const node::MiningProgress& progress) {
    seen = progress;
    return true;
  };
  const auto mined = node::mine(work, f.builder.chain(), clock, f.entropy,
                                {.threads = 1, .on_progress = keep}, {});
  ASSERT_TRUE(mined.value());
  EXPECT_GT(seen.hashes, 0U);
}

TEST(Miner, RefusesAnEndorseChain) {
  NodeFixture f(endorse_rules_text(2, 3));
  const auto mined = node::mine({}, f.builder.chain(), f.clock, f.entropy, {}, {});
  ASSERT_FALSE(bool(mined));
  EXPECT_EQ(mined.error().code, Errc::bad_usage);
}

TEST(Template, WantsDescendantsUntilMessagesAreBuried) {
  NodeFixture f;
  const auto node = f.node();
  EXPECT_FALSE(node->block_template({}).value().has_work);
  Block block = f.builder.block(f.builder.genesis(), {f.message("m")}, f.clock.now());
  f.clock.advance(10'000);
  for (std::uint32_t depth = 1; depth <= 3; ++depth) {
    ASSERT_EQ(node->submit_block(block).value().verdict, Verdict::accepted);
    EXPECT_TRUE(node->block_template({.bury = depth}).value().has_work);
    EXPECT_FALSE(node->block_template({.bury = depth - 1}).value().has_work);
    block = f.builder.block(block.header);
  }
}

}  // namespace
}  // namespace bmsg
