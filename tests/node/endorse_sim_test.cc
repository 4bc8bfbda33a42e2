// Four endorsers, three of whom are needed, woken by cron with missed runs, from seed to seed:
// BMSG_SEED says at which to begin, BMSG_ENDORSE_SEEDS how many to try.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <numeric>
#include <string>

#include "tests/support/endorse_world.h"
#include "tests/support/seed.h"

namespace bmsg {
namespace {

constexpr std::uint64_t kSeeds = 1;  // The push tier tries 50, './dev soak endorse' a thousand.
constexpr std::uint64_t kDay = 86400;
constexpr std::uint64_t kSixDays = 6 * kDay;
constexpr std::uint64_t kGeneration = 4 * 600;
constexpr std::uint64_t kHour = 3600;

std::uint64_t seeds() {
  const char* given = std::getenv("BMSG_ENDORSE_SEEDS");
  return given == nullptr ? kSeeds : std::strtoull(given, nullptr, 10);
}

std::uint64_t percentile(std::vector<std::uint64_t> of, std::size_t percent) {
  std::ranges::sort(of);
  return of.empty() ? 0 : of[std::min(of.size() - 1, of.size() * percent / 100)];
}

void print(const EndorseTally& t) {
  const auto sum = std::accumulate(t.waits.begin(), t.waits.end(), std::uint64_t{0});
  std::cout << "runs " << t.runs << " (" << t.missed << " missed), written " << t.written
            << ", blocks " << t.blocks << ", proposed " << t.proposed << " (" << t.rivals
            << " for nothing); a message waits " << sum / std::max<std::size_t>(1, t.waits.size())
            << " s, p95 " << percentile(t.waits, 95) << " s, at most " << percentile(t.waits, 100)
            << " s" << std::endl;
}

/// Each height has one block with enough signatures, on any node.
void expect_no_double_seal(const EndorseWorld& world) {
  for (const auto& [height, hashes] : world.sealed()) EXPECT_EQ(hashes.size(), 1U) << height;
}

TEST(EndorseSim, SealsNoHeightTwiceInSixDaysAndLeavesNoMessageBehind) {
  const std::uint64_t first = printed_seed();
  EndorseTally all;
  for (std::uint64_t seed = first; seed != first + seeds(); ++seed) {
    SCOPED_TRACE(testing::Message() << "BMSG_SEED=" << seed << " BMSG_ENDORSE_SEEDS=1");
    EndorseWorld world(seed);
    world.run(kSixDays, kHour + world.up_to(5 * kHour));
    ASSERT_EQ(world.failure(), "");
    expect_no_double_seal(world);
    EXPECT_TRUE(world.caught().empty());
    // What was written at the end gets its time, too.
    world.run(8 * kGeneration, 0);
    EXPECT_EQ(world.tally().waits.size(), world.tally().written);
    for (EndorseWorld::Index i = 1; i < EndorseWorld::kEndorsers; ++i)
      EXPECT_EQ(world.tip(i), world.tip(0));
    EXPECT_GT(world.tally().missed, 0U);
    all.add(world.tally());
  }
  print(all);
  EXPECT_GT(all.blocks, all.written / 2);
  EXPECT_LE(percentile(all.waits, 95), 2 * kGeneration);
}

/// A block on the tip that these sign, without anybody's log.
Block signed_block(EndorseWorld& world, EndorseWorld::Index maker, const Indices& signers,
                   std::uint64_t later) {
  auto work = world.node(maker).block_template({.bury = 0}).value();
  work.block.header.time.value += later;
  return signed_by(world.builder, std::move(work.block), signers);
}

void give(EndorseWorld& world, const Block& block) {
  for (EndorseWorld::Index i = 0; i < EndorseWorld::kEndorsers; ++i)
    (void)world.node(i).submit_block(block).value();  // What comes of it is looked at later.
}

TEST(EndorseSim, TooFewColludersSealNothing) {
  const std::uint64_t first = printed_seed();
  std::uint64_t tried = 0;
  for (std::uint64_t seed = first; seed != first + seeds(); ++seed) {
    SCOPED_TRACE(testing::Message() << "BMSG_SEED=" << seed << " BMSG_ENDORSE_SEEDS=1");
    EndorseWorld world(seed);
    world.let_sleep({0, 1, 2, 3});
    const auto one = static_cast<std::uint8_t>(world.up_to(2));
    const auto other = static_cast<std::uint8_t>(one + 1 + world.up_to(2 - one));
    world.let_cheat({one, other});
    for (int i = 0; i < 50; ++i, ++tried) {
      world.run(1 + world.up_to(kGeneration), 0);
      if (world.up_to(3) == 0) world.write(one);
      Block block = signed_block(world, one, {one, other}, world.up_to(100));
      give(world, block);
      // A third signature out of what they have: twice the same, or one under a foreign index.
      block.seal.push_back(block.seal.back());
      give(world, block);
      for (std::uint8_t index = 0; index < EndorseWorld::kEndorsers; ++index) {
        if (index == one || index == other) continue;
        block.seal.back().index = index;
        std::ranges::sort(block.seal, {}, &SealEntry::index);
        give(world, block);
        std::erase_if(block.seal, [&](const SealEntry& entry) { return entry.index == index; });
        block.seal.push_back(block.seal.back());
      }
      for (EndorseWorld::Index at = 0; at < EndorseWorld::kEndorsers; ++at)
        ASSERT_EQ(world.tip(at).height, Height{0});
    }
    // They were taken for what they are, and an honest third makes a block of one.
    EXPECT_FALSE(world.store(3).proposals().value().empty());
    world.let_sleep({});
    world.run(8 * kGeneration, 0);
    ASSERT_EQ(world.failure(), "");
    EXPECT_GT(world.tip(3).height, Height{0});
    expect_no_double_seal(world);
  }
  EXPECT_EQ(tried, 50 * seeds());
}

/// A day in which all fails that can, and the hours afterwards.
void live_through(EndorseWorld& world, bool clocks) {
  world.let_fail(true, clocks);
  world.run(kDay, kHour);
  world.let_fail(false, false);
  // A block may be as far in the future as a clock was.
  world.run((clocks ? EndorseWorld::kWrongMost : 0) + 12 * kGeneration, 0);
  ASSERT_EQ(world.failure(), "");
  EXPECT_TRUE(world.caught().empty());
  for (EndorseWorld::Index i = 0; i < EndorseWorld::kEndorsers; ++i) {
    EXPECT_EQ(world.tip(i), world.tip(0));
    EXPECT_EQ(world.left_behind(i), 0U);
  }
}

void expect_faults(const EndorseTally& tally, std::uint64_t days) {
  for (const auto& [name, least] : std::map<std::string, std::uint64_t>{{"power cuts", 2},
                                                                        {"kills", 2},
                                                                        {"disk errors", 2},
                                                                        {"store errors", 5},
                                                                        {"lost requests", 50}}) {
    const auto found = tally.faults.find(name);
    const std::uint64_t count = found == tally.faults.end() ? 0 : found->second;
    std::cout << name << " " << count << std::endl;
    EXPECT_GE(count, least * days) << name;
  }
}

/// Such days from seed to seed; a fifth as many as there are seeds.
void live_through_days(bool clocks) {
  const std::uint64_t first = printed_seed();
  const std::uint64_t days = std::max<std::uint64_t>(1, seeds() / 5);
  EndorseTally all;
  for (std::uint64_t seed = first; seed != first + days; ++seed) {
    SCOPED_TRACE(testing::Message() << "BMSG_SEED=" << seed << " BMSG_ENDORSE_SEEDS=1");
    EndorseWorld world(seed);
    live_through(world, clocks);
    // By wrong clocks two halves may seal a height each.
    if (!clocks) expect_no_double_seal(world);
    all.add(world.tally());
  }
  print(all);
  expect_faults(all, days);
  if (clocks) {
    EXPECT_GE(all.faults["clocks set"], 50 * days);
  }
}

// What an endorser may sign hangs on what it knows it has signed.
TEST(EndorseSim, SealsNoHeightTwiceThoughPowerDisksAndLinesFail) { live_through_days(false); }

// Honest endorsers are no liars for what wrong clocks do.
TEST(EndorseSim, NobodySignsTwiceThoughClocksAreWrong) { live_through_days(true); }

TEST(EndorseSim, CatchesThoseWhoSignTwice) {
  const std::uint64_t first = printed_seed();
  for (std::uint64_t seed = first; seed != first + seeds(); ++seed) {
    SCOPED_TRACE(testing::Message() << "BMSG_SEED=" << seed << " BMSG_ENDORSE_SEEDS=1");
    EndorseWorld world(seed);
    world.run(world.up_to(86400), kHour);
    ASSERT_EQ(world.failure(), "");
    EXPECT_TRUE(world.caught().empty());
    // All stand on one tip; then 0 and 1 give either half of the world a block of its own, and
    // each half has an honest endorser who signs it. Only 2 has a message, so that the blocks
    // differ at one time: a second later another generation may have begun, which may sign again.
    world.run(8 * kGeneration, 0);
    world.let_sleep({0, 1});
    world.clock.advance(2 * kGeneration);
    const auto before = world.tip(2).height.value;
    world.write(2);
    world.cut_off({0, 2});
    const Block here = signed_block(world, 2, {0, 1}, 0);
    const Block there = signed_block(world, 3, {0, 1}, 0);
    ASSERT_EQ(world.node(2).submit_block(here).value().verdict, node::Verdict::accepted);
    ASSERT_EQ(world.node(3).submit_block(there).value().verdict, node::Verdict::accepted);
    world.wake(2);
    world.wake(3);
    ASSERT_EQ(world.failure(), "");
    // With 2k-n of them against the rest a height is sealed twice, and nobody knows it yet.
    ASSERT_EQ(world.sealed()[before + 1].size(), 2U);
    EXPECT_TRUE(world.caught().empty());
    world.cut_off({});
    for (EndorseWorld::Index at = 0; at < EndorseWorld::kEndorsers; ++at) world.sync_with_all(at);
    ASSERT_EQ(world.failure(), "");
    EXPECT_EQ(world.caught(), (std::set<EndorseWorld::Index>{0, 1}));
    for (EndorseWorld::Index at = 1; at < EndorseWorld::kEndorsers; ++at)
      EXPECT_EQ(world.tip(at), world.tip(0));
  }
}

}  // namespace
}  // namespace bmsg
