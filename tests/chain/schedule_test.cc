// The schedule against published runs of aserti3-2d, and against those who would play with it.

#include "lib/chain/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <map>

#include <limits>

#include "lib/chain/work.h"
#include "lib/core/hex.h"
#include "tests/support/seed.h"
#include "tests/vectors/golden.h"

namespace bmsg::chain {
namespace {

using boost::multiprecision::cpp_int;

constexpr AsertParameters kPublished{600, 172800, CompactTarget{0x1d00ffff}};

std::uint32_t published(std::uint32_t anchor, std::int64_t seconds, std::int64_t blocks) {
  return asert(CompactTarget{anchor}, seconds, blocks, kPublished).value;
}

TEST(Asert, AgreesWithTheWorkedExample) {
  const AsertParameters parameters{600, 7200, CompactTarget{0x1e00ffff}};
  for (const auto& [bits, seconds, needed] : golden::kSchedule) {
    EXPECT_EQ(asert(CompactTarget{bits}, seconds, 0, parameters).value, needed) << seconds;
  }
}

// The published runs count from an anchor at height 1 whose parent has time 0.
// Source: BCHN qa-assets, test_vectors/aserti3-2d.
TEST(Asert, StaysWhereBlocksComeOnTime) {
  for (const std::uint32_t anchor : {0x1d00ffffu, 0x1a2b3c4du, 0x01010000u}) {
    for (std::int64_t height = 2; height <= 11; ++height) {
      EXPECT_EQ(published(anchor, 600 * height, height - 1), anchor);  // Runs 1, 2 and 3.
    }
  }
}

TEST(Asert, DoublesWithEachHalflifeUpToTheFloor) {  // Run 4.
  Target expected = *target_of(CompactTarget{0x01010000});
  for (std::int64_t step = 1; step <= 223; ++step) {
    Target doubled;
    for (std::size_t i = 0; i < Target::kSize; ++i) {
      const unsigned carry = i + 1 < Target::kSize ? expected.data()[i + 1] >> 7 : 0;
      doubled.data()[i] = static_cast<std::uint8_t>(expected.data()[i] << 1 | carry);
    }
    expected = doubled;
    EXPECT_EQ(published(0x01010000, 600 + 173400 * step, step), compact_of(expected).value) << step;
  }
  EXPECT_EQ(published(0x01010000, 38668800, 223), 0x1d008000u);
  EXPECT_EQ(published(0x01010000, 38842200, 224), 0x1d00ffffu);
  EXPECT_EQ(published(0x01010000, 39015600, 225), 0x1d00ffffu);
}

struct Row {
  std::int64_t height;
  std::int64_t time;
  std::uint32_t bits;
};

TEST(Asert, HalvesDownToOne) {
  const Row rows[] = {// Run 5, height and time of each 25th block or so.
                      {2, 0, 0x1d00fec5},     {290, 0, 0x1c7f62c0},   {578, 0, 0x1c3fb160},
                      {6914, 0, 0x1a00fec5},  {14114, 0, 0x167f62c0}, {34562, 0, 0x0e00fec5},
                      {57602, 0, 0x0400fec5}, {59906, 0, 0x0300fec5}, {60194, 0, 0x027f6200},
                      {62210, 0, 0x0200fe00}, {62498, 0, 0x017f0000}, {63938, 0, 0x01030000},
                      {64226, 0, 0x01010000}, {64514, 0, 0x01010000}};
  for (const auto& [height, time, bits] : rows) {
    EXPECT_EQ(published(0x1d00ffff, time, height - 1), bits) << height;
  }
}

TEST(Asert, FollowsRandomSolvetimes) {
  const Row rows[] = {// Run 6, steady hash rate.
                      {3, 1310, 0x1802ad91},
                      {9, 7099, 0x1802b39c},
                      {100, 63111, 0x1802b78d},
                      {200, 125018, 0x1802bce8},
                      {300, 189476, 0x1802c992},
                      {400, 243817, 0x1802b988},
                      {500, 299790, 0x1802ae55},
                      {600, 369787, 0x1802ca76},
                      // Run 7, rising.
                      {50, 16870, 0x18028bbb},
                      {200, 24330, 0x1801d3f3},
                      {400, 28361, 0x180125ed},
                      {500, 29547, 0x1800e81f},
                      {638, 31020, 0x1800a788},
                      // Run 8, falling.
                      {50, 96126, 0x18037f7c},
                      {100, 333016, 0x18080571},
                      {186, 1073114, 0x187ef4ed},
                      {187, 1078358, 0x19008158},
                      {280, 2501718, 0x1979dde2},
                      {400, 4873449, 0x1b12ded0},
                      {484, 6930238, 0x1d00e688},
                      {485, 6993399, 0x1d00ffff},
                      {501, 7462933, 0x1d00ffff}};
  for (const auto& [height, time, bits] : rows) {
    EXPECT_EQ(published(0x1802aee8, time, height - 1), bits) << height << " at " << time;
  }
}

TEST(Asert, CrossesTheEndsOfSignedNumbers) {
  const std::uint32_t run9[] = {0x1802ae16, 0x1802ad44, 0x1802ac71, 0x1802ab9e, 0x1802aacd,
                                0x1802a9fa, 0x1802a929, 0x1802a858, 0x1802a787, 0x1802a6b7};
  const std::uint32_t run10[] = {0x1802afbb, 0x1802b08f, 0x1802b166, 0x1802b23a, 0x1802b30e,
                                 0x1802b3e5, 0x1802b4bb, 0x1802b592, 0x1802b669, 0x1802b73d};
  for (std::int64_t i = 0; i < 10; ++i) {
    EXPECT_EQ(published(0x1802aee8, 900 + 300 * i, i + 1), run9[i]);
    EXPECT_EQ(published(0x1802aee8, 1500 + 900 * i, i + 1), run10[i]);
  }
}

TEST(Asert, AnswersEveryInput) {
  constexpr auto kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t halflife : {std::int64_t{1}, std::int64_t{7200}, kMost}) {
    const AsertParameters parameters{600, halflife, CompactTarget{0x2100ffff}};
    for (const std::int64_t seconds : {kLeast, std::int64_t{0}, kMost}) {
      for (const std::int64_t blocks : {kLeast, std::int64_t{0}, kMost}) {
        for (const std::uint32_t anchor : {0x01010000u, 0x2100ffffu, 0u, 0xffffffffu}) {
          const auto bits = asert(CompactTarget{anchor}, seconds, blocks, parameters);
          EXPECT_TRUE(target_of(bits)) << seconds << " " << blocks << " " << std::hex << anchor;
        }
      }
    }
  }
}

TEST(Asert, IsMonotonousInTime) {
  auto numbers = seeded_numbers();
  const AsertParameters parameters{600, 7200, CompactTarget{0x1e00ffff}};
  for (int round = 0; round < 20'000; ++round) {
    const auto bits =
        CompactTarget{0x1b008000u + static_cast<std::uint32_t>(number_up_to(numbers, 0x007f7fff))};
    const auto seconds = static_cast<std::int64_t>(number_up_to(numbers, 100'000));
    const auto sooner = target_of(asert(bits, seconds, 0, parameters));
    const auto later = target_of(asert(bits, seconds + 1, 0, parameters));
    EXPECT_LE(*sooner, *later);
  }
}

// The definition, with whole numbers of any length.
CompactTarget asert_plainly(CompactTarget anchor, std::int64_t seconds, std::int64_t blocks,
                            const AsertParameters& given) {
  const cpp_int late = cpp_int(seconds) - cpp_int(given.interval) * (cpp_int(blocks) + 1);
  const cpp_int exponent = (late << 16) / given.halflife;
  cpp_int whole = exponent / 65536;  // Towards minus infinity.
  if (exponent < 0 && whole * 65536 != exponent) whole -= 1;
  const cpp_int fraction = exponent - whole * 65536;
  const cpp_int cubic = 195766423245049 * fraction + 971821376 * fraction * fraction +
                        5127 * fraction * fraction * fraction + (cpp_int(1) << 47);
  const cpp_int factor = 65536 + (cubic >> 48);
  cpp_int number;
  const Target start = *target_of(anchor);
  import_bits(number, start.array().begin(), start.array().end());
  const int shift = static_cast<int>(std::clamp<cpp_int>(whole - 16, -600, 600));
  number *= factor;
  if (shift >= 0) number <<= shift;
  if (shift < 0) number >>= -shift;
  if (number == 0) number = 1;
  cpp_int floor;
  const Target easiest = *target_of(given.floor);
  import_bits(floor, easiest.array().begin(), easiest.array().end());
  if (number > floor) return given.floor;
  Target found;
  for (std::size_t i = Target::kSize; i-- > 0; number >>= 8)
    found.data()[i] = static_cast<std::uint8_t>(number & 0xff);
  return compact_of(found);
}

TEST(Asert, IsWhatWholeNumbersOfAnyLengthSay) {
  auto numbers = seeded_numbers();
  const auto compact = [&] {
    for (;;) {
      const CompactTarget bits{static_cast<std::uint32_t>(number_up_to(numbers, 0x21ffffff))};
      if (target_of(bits)) return bits;
    }
  };
  std::map<bool, int> floors;
  for (int round = 0; round < 100'000; ++round) {
    const std::int64_t interval = 1 + static_cast<std::int64_t>(number_up_to(numbers, 5000));
    const AsertParameters given{
        interval, 1 + static_cast<std::int64_t>(number_up_to(numbers, 99999)), compact()};
    const CompactTarget anchor = compact();
    const auto size = number_up_to(numbers, 62);
    const auto seconds = static_cast<std::int64_t>(numbers() >> size) * (round % 3 == 0 ? -1 : 1);
    const std::int64_t blocks = round % 5 == 0 ? round : 0;
    const CompactTarget expected = asert_plainly(anchor, seconds, blocks, given);
    ASSERT_EQ(asert(anchor, seconds, blocks, given).value, expected.value)
        << std::hex << anchor.value << " " << given.floor.value << std::dec << " " << seconds << " "
        << blocks << " " << given.interval << " " << given.halflife;
    ++floors[expected == given.floor];
  }
  EXPECT_GT(floors[false], 10'000);
  EXPECT_GT(floors[true], 10'000);
}

RulesText example() { return parse_rules_text(golden::kGenesisText).value(); }

TEST(BitsNeeded, CutsTheGapAt2To31Seconds) {
  const RulesText rules = example();
  Header parent;
  parent.time = UnixSeconds{rules.time};
  parent.bits = CompactTarget{0x01010000};
  const auto after = [&](std::uint64_t seconds) {
    return bits_needed(rules, parent, UnixSeconds{parent.time.value + seconds});
  };
  EXPECT_EQ(after(std::uint64_t{1} << 31), after((std::uint64_t{1} << 31) + 1));
  EXPECT_EQ(after((std::uint64_t{1} << 63)), rules.floor);
  parent.time = UnixSeconds{0};
  EXPECT_EQ(after(std::numeric_limits<std::uint64_t>::max()), rules.floor);
}

TEST(BitsNeeded, IsZeroOnAnEndorseChain) {
  const RulesText rules = parse_rules_text(golden::kEndorseGenesisText).value();
  EXPECT_EQ(bits_needed(rules, Header(), UnixSeconds{1}), CompactTarget{0});
}

TEST(BitsNeeded, WantsATimeAfterTheParent) {
  EXPECT_DEATH((void)bits_needed(example(), Header(), UnixSeconds{0}), "not after its parent");
}

}  // namespace
}  // namespace bmsg::chain
