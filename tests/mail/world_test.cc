// A few members with mail, disks and lines that all fail, from seed to seed: BMSG_SEED says at
// which to begin, BMSG_WORLD_SEEDS how many to try, BMSG_WORLD_EVENTS how much happens in each;
// with BMSG_WORLD_SHOW all of it is printed.

#include "tests/mail/world.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <iostream>
#include <map>
#include <string>

#include "tests/support/seed.h"

namespace bmsg::mail {
namespace {

// Of the push tier, which runs them under sanitizers: there a seed takes two seconds.
constexpr std::uint64_t kSeeds = 8;
constexpr std::uint64_t kEvents = 400;
// From here on each fault has to strike, and often.
constexpr std::uint64_t kSeedsThatMeetAll = 40;
constexpr double kHoursForAMinute = 1000;  // Of the world, for one of the processor.

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* given = std::getenv(variable);
  return given == nullptr ? otherwise : std::strtoull(given, nullptr, 10);
}

/// How often each has to happen in a hundred seeds of so many events.
const std::map<std::string, std::uint64_t>& wanted() {
  static const std::map<std::string, std::uint64_t> all = {
      {"sent", 3000},
      {"read", 3000},
      {"read in the room", 300},
      {"let in", 100},
      {"put out", 100},
      {"grants taken", 100},
      {"given", 3000},
      {"given late", 50},
      {"receipts", 3000},
      {"repeated", 200},
      {"called back", 50},
      {"expired", 100},
      {"bodies forgotten", 20},
      {"power cuts, tails lost", 100},
      {"power cuts, tails kept", 100},
      {"power cuts, tails torn", 100},
      {"power cuts, tails garbled", 100},
      {"kills", 300},
      {"crashes while recovering", 50},
      {"disk errors", 300},
      {"store errors", 50},
      {"clocks set", 200},
      {"partitions", 50},
      {"reorgs", 200},
      {"deep reorgs", 100},
      {"requests lost", 50},
      {"answers lost", 50},
      {"lines cut", 200},
      {"lines dead one way", 50},
      {"puts repeated", 10},
  };
  return all;
}

void expect_all_faults(WorldTally& tally, std::uint64_t seeds, std::uint64_t events) {
  for (const auto& [name, least] : wanted())
    EXPECT_GE(tally[name] * 100 * kEvents, least * seeds * events) << name;
}

double processor_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

TEST(World, KeepsWhatItAcknowledgedAndReadsItOnce) {
  const std::uint64_t first = printed_seed();
  const std::uint64_t seeds = number_from("BMSG_WORLD_SEEDS", kSeeds);
  const std::uint64_t events = number_from("BMSG_WORLD_EVENTS", kEvents);
  const double begin = processor_seconds();
  WorldTally all;
  double hours = 0;
  for (std::uint64_t seed = first; seed != first + seeds; ++seed) {
    World world(seed);
    world.run(events);
    for (const auto& [name, times] : world.tally()) all[name] += times;
    hours += world.hours();
    ASSERT_EQ(world.failure(), "")
        << "BMSG_SEED=" << seed << " BMSG_WORLD_SEEDS=1 BMSG_WORLD_EVENTS=" << events
        << " mail_test --gtest_filter='World.Keeps*' repeats it\n"
        << world.last_events();
  }
  const double rate = hours * 60 / (processor_seconds() - begin);
  for (const auto& [name, times] : all) std::cout << name << ": " << times << '\n';
  std::cout << fmt::format("{:.0f} hours, {:.0f} for each minute\n", hours, rate);
  if (seeds < kSeedsThatMeetAll) return;
  expect_all_faults(all, seeds, events);
  EXPECT_GE(rate, kHoursForAMinute);
}

TEST(World, RepeatsASeedToTheLastByte) {
  const std::uint64_t seed = printed_seed();
  const auto digest_of = [](std::uint64_t from) {
    World world(from);
    world.run(kEvents / 2);
    return world.digest();
  };
  EXPECT_EQ(digest_of(seed), digest_of(seed));
  EXPECT_NE(digest_of(seed), digest_of(seed + 1));
}

}  // namespace
}  // namespace bmsg::mail
