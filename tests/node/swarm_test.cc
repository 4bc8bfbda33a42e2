// Fifty nodes over lines that fail, from seed to seed: BMSG_SEED says at which to begin,
// BMSG_SWARM_SEEDS how many to try, BMSG_SWARM_EVENTS how much happens in each; with
// BMSG_SWARM_SHOW all of it is printed.

#include "tests/support/swarm.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/support/seed.h"

namespace bmsg {
namespace {

// Of the push tier, which runs them under sanitizers: there a seed takes half a second.
constexpr std::uint64_t kSeeds = 100;
constexpr std::uint64_t kEvents = 700;
// All faults, but for blocks that are forgotten, which are rarer.
constexpr std::uint64_t kSeedsThatMeetAll = 20;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* given = std::getenv(variable);
  return given == nullptr ? otherwise : std::strtoull(given, nullptr, 10);
}

void expect_all_faults(const SwarmTally& tally, std::uint64_t seeds) {
  EXPECT_GT(tally.written, 0U);
  EXPECT_GT(tally.finished, 0U);
  EXPECT_GT(tally.failed, 0U);
  EXPECT_GT(tally.most_open, 20U);
  EXPECT_GT(tally.lost_before, 0U);
  EXPECT_GT(tally.lost_after, 0U);
  EXPECT_GT(tally.cut, 0U);
  EXPECT_GT(tally.one_way, 0U);
  EXPECT_GT(tally.repeated, 0U);
  EXPECT_GT(tally.delayed, 0U);
  EXPECT_GT(tally.restarts, 0U);
  EXPECT_GT(tally.reconnected, 0U);
  EXPECT_GT(tally.links_down, 0U);
  EXPECT_GT(tally.partitions, 0U);
  EXPECT_GT(tally.reorgs, tally.deep_reorgs);
  EXPECT_GT(tally.deep_reorgs, 0U);
  if (seeds >= kSeeds) {
    EXPECT_GT(tally.forgotten, 0U);
  }
  EXPECT_GT(tally.narrow, 0U);
  EXPECT_GT(tally.most_rounds, 1U);
}

void print(const SwarmTally& t) {
  std::cout << "written " << t.written << ", mined " << t.mined << ", finished " << t.finished
            << ", failed " << t.failed << " (" << t.overtaken << " overtaken)"
            << ", open " << t.most_open << ", lost " << t.lost_before << "+" << t.lost_after
            << ", cut " << t.cut << ", one way " << t.one_way << ", repeated " << t.repeated
            << ", delayed " << t.delayed << ", restarts " << t.restarts << " (" << t.reconnected
            << " lines went on), links down " << t.links_down << ", partitions " << t.partitions
            << ", reorgs " << t.reorgs << " (" << t.deep_reorgs << " deep), forgotten "
            << t.forgotten << ", narrow " << t.narrow << ", rounds " << t.most_rounds << " of "
            << t.most_diameter << std::endl;
}

TEST(Swarm, AgreesOnceTheFaultsStopAndLosesNothingBefore) {
  const std::uint64_t first = printed_seed();
  const std::uint64_t count = number_from("BMSG_SWARM_SEEDS", kSeeds);
  const std::uint64_t events = number_from("BMSG_SWARM_EVENTS", kEvents);
  SwarmTally all;
  for (std::uint64_t seed = first; seed != first + count; ++seed) {
    Swarm swarm(seed);
    swarm.run(events);
    all.add(swarm.tally());
    ASSERT_EQ(swarm.failure(), "") << "BMSG_SEED=" << seed << " BMSG_SWARM_SEEDS=1"
                                   << " BMSG_SWARM_EVENTS=" << events << " repeats it\n"
                                   << swarm.last_events();
  }
  print(all);
  if (count >= kSeedsThatMeetAll) expect_all_faults(all, count);
}

TEST(Swarm, RepeatsASeedToTheLastByte) {
  const std::uint64_t seed = printed_seed();
  const auto digest_of = [](std::uint64_t from) {
    Swarm swarm(from);
    swarm.run(kEvents / 2);
    return swarm.digest();
  };
  EXPECT_EQ(digest_of(seed), digest_of(seed));
  EXPECT_NE(digest_of(seed), digest_of(seed + 1));
}

}  // namespace
}  // namespace bmsg
