// What the schedule does to miners who come, go and idle: the table of its design, with tolerance.
//
// Found times are exponential with the rate that hash rate and target give, second by second, so
// that a block's own time counts as the rule says. The seeds are fixed: a tolerance of 20 % would
// fail now and then under new ones.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

#include "lib/chain/schedule.h"
#include "tests/support/seed.h"

namespace bmsg::chain {
namespace {

constexpr double kCore = 1.8e6;  // Hashes a second.
constexpr double kGpu = 4e9;
constexpr std::uint64_t kHour = 3600;
constexpr std::uint64_t kDay = 24 * kHour;
constexpr CompactTarget kFloor{0x1e00ffff};

double number_of(CompactTarget bits) {
  return std::ldexp(bits.value & 0x7fffff, 8 * (static_cast<int>(bits.value >> 24) - 3));
}

struct Found {
  std::uint64_t time;
  double price;  // Against the floor.
};

struct Simulation {
  std::uint32_t halflife_intervals = 12;
  std::function<double(std::uint64_t)> hashes_at;  // Per second.
  std::uint64_t end = 0;
  std::uint64_t last_from = end;  // The first block found from here on is the last.
};

RulesText rules_of(const Simulation& simulation) {
  RulesText rules;
  rules.halflife = simulation.halflife_intervals * rules.interval;
  rules.floor = kFloor;
  return rules;
}

std::vector<Found> run(const Simulation& simulation, unsigned seed) {
  const RulesText rules = rules_of(simulation);
  std::mt19937_64 numbers(seed);
  std::exponential_distribution<double> luck;
  std::vector<Found> found;
  Header parent;
  parent.bits = kFloor;
  double wanted = luck(numbers);
  for (std::uint64_t now = 0; now < simulation.end; ++now) {
    const double hashes = simulation.hashes_at(now);
    double left = 1.0;  // Of this second; in it a strong miner finds several blocks.
    while (hashes > 0 && left > 0) {
      const UnixSeconds time{std::max(now, parent.time.value + 1)};
      const CompactTarget bits = bits_needed(rules, parent, time);
      const double rate = hashes * number_of(bits) / std::ldexp(1.0, 256);
      if (rate * left < wanted) {
        wanted -= rate * left;
        break;
      }
      left -= wanted / rate;
      wanted = luck(numbers);
      parent.time = time;
      parent.bits = bits;
      found.push_back(Found{now, number_of(kFloor) / number_of(bits)});
      if (now >= simulation.last_from) return found;
    }
  }
  return found;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

void expect_near(double value, double expected) { EXPECT_NEAR(value, expected, expected * 0.2); }

TEST(Schedule, OneCoreKeepsTheInterval) {
  const auto found = run({.hashes_at = [](auto) { return kCore; }, .end = 10 * kDay}, 1);
  const std::size_t begin = found.size() / 3;
  const auto blocks = static_cast<double>(found.size() - 1 - begin);
  expect_near(static_cast<double>(found.back().time - found[begin].time) / blocks, 599);

  std::vector<double> prices, squares;
  for (std::size_t i = begin; i < found.size(); ++i) prices.push_back(found[i].price);
  const double middle = mean(prices);
  for (const double price : prices) squares.push_back((price - middle) * (price - middle));
  EXPECT_LT(std::sqrt(mean(squares)) / middle, 0.25);
}

TEST(Schedule, IdleWeekEarnsAGpuNoCredit) {
  const auto gpu = [](std::uint64_t now) { return now < 7 * kDay ? 0.0 : kGpu; };
  for (const auto& [intervals, blocks] : {std::pair{12u, 188.0}, std::pair{32u, 447.0}}) {
    const auto found =
        run({.halflife_intervals = intervals, .hashes_at = gpu, .end = 7 * kDay + kHour}, 4);
    expect_near(static_cast<double>(found.size()), blocks);
  }
}

TEST(Schedule, IdleWeekEarnsACoreNoCredit) {
  const auto core = [](std::uint64_t now) { return now < 7 * kDay ? 0.0 : kCore; };
  const auto found =
      run({.halflife_intervals = 32, .hashes_at = core, .end = 7 * kDay + 2 * kHour}, 4);
  expect_near(static_cast<double>(found.size()), 138);
  EXPECT_GT(found.back().price, 10);
}

TEST(Schedule, CoreGoesOnHoursAfterAGpuLeft) {
  const auto gpu_then_core = [](std::uint64_t now) { return now < kHour ? kGpu : kCore; };
  std::vector<double> waits;
  for (unsigned seed = 0; seed < 12; ++seed) {
    const auto found =
        run({.hashes_at = gpu_then_core, .end = 10 * kDay, .last_from = kHour}, seed);
    waits.push_back(static_cast<double>(found.back().time - kHour) / kHour);
  }
  expect_near(mean(waits), 9.9);
}

TEST(Schedule, NobodyShowsMoreHeadersThanTheBound) {
  // n ≤ (1 + τ/(4096·T)) · (elapsed/T + (τ/T) · log2(price)), whatever the hash rate does. The
  // first factor is the error of the cubic and of compact forms in each block.
  auto numbers = seeded_numbers();
  const RulesText rules = rules_of({.hashes_at = {}});
  const double interval = rules.interval;
  const double halflife = rules.halflife;
  Header parent;
  parent.bits = kFloor;
  for (int n = 1; n <= 10'000; ++n) {
    // Bursts a second apart, oscillating with times a hundred times slower than the interval.
    const bool is_burst = n / 100 % 2 == 0;
    const std::uint64_t gap = 1 + number_up_to(numbers, is_burst ? 2 : 100 * rules.interval);
    const UnixSeconds time{parent.time.value + gap};
    parent.bits = bits_needed(rules, parent, time);
    parent.time = time;
    const double octaves = std::log2(number_of(kFloor) / number_of(parent.bits));
    const double elapsed = static_cast<double>(time.value);
    const double credit = elapsed / interval + halflife / interval * octaves;
    ASSERT_LE(n, (1 + halflife / (4096 * interval)) * credit) << "block " << n;
  }
}

TEST(Schedule, DatingAheadEarnsLittle) {
  // A block dated 120 s ahead is cheaper by 2^(120/7200), 1.2 %, and counts as that much less.
  RulesText rules;
  Header parent;
  parent.bits = CompactTarget{0x1c123456};
  const double honest = number_of(bits_needed(rules, parent, UnixSeconds{600}));
  const double ahead = number_of(bits_needed(rules, parent, UnixSeconds{720}));
  EXPECT_NEAR(ahead / honest, std::exp2(120.0 / 7200), 0.001);
}

}  // namespace
}  // namespace bmsg::chain
