// 256-bit numbers against published cases and against the definitions they must satisfy.

#include "lib/chain/work.h"

#include <gtest/gtest.h>

#include <boost/multiprecision/cpp_int.hpp>

#include "lib/core/hex.h"
#include "tests/support/seed.h"

namespace bmsg::chain {
namespace {

using boost::multiprecision::cpp_int;

Target target(std::string_view hex) {
  return fixed_from_hex<Target>(std::string(64 - hex.size(), '0') + std::string(hex)).value();
}

template <class Fixed>
cpp_int number_of(const Fixed& fixed) {
  return cpp_int("0x" + to_hex(fixed.view()));
}

Target target_of_number(const cpp_int& number) {
  std::string hex = number.str(0, std::ios_base::hex);
  for (char& c : hex) c = static_cast<char>(std::tolower(c));
  return target(hex);
}

// Source: Bitcoin's arith_uint256 tests, "bignum_SetCompact".
TEST(Compact, ReadsAndWritesThePublishedCases) {
  const std::pair<std::uint32_t, std::string_view> cases[] = {
      {0x01120000, "12"},
      {0x02123400, "1234"},
      {0x03123456, "123456"},
      {0x04123456, "12345600"},
      {0x05009234, "92340000"},
      {0x02008000, "80"},
      {0x20123456, "1234560000000000000000000000000000000000000000000000000000000000"},
      {0x1d00ffff, "ffff0000000000000000000000000000000000000000000000000000"},
      {0x2100ffff, "ffff000000000000000000000000000000000000000000000000000000000000"},
      {0x01010000, "1"}};
  for (const auto& [bits, hex] : cases) {
    EXPECT_EQ(target_of(CompactTarget{bits}), target(hex)) << hex;
    EXPECT_EQ(compact_of(target(hex)), CompactTarget{bits}) << hex;
  }
}

TEST(Compact, RefusesZeroNegativeOverlongAndSecondForms) {
  for (const std::uint32_t bits :
       {0x00000000u, 0x00123456u, 0x01003456u, 0x02000056u, 0x03000000u, 0x04000000u,  // Zero.
        0x01fedcbau, 0x04923456u, 0x01803456u, 0x03800000u,                            // Negative.
        0x01123456u, 0x02123456u, 0x1d0000ffu, 0x2000007fu, 0x04001234u,               // Second.
        0xff123456u, 0x21010000u, 0x22000100u, 0x2200ffffu, 0xffffffffu}) {            // Overlong.
    EXPECT_FALSE(target_of(CompactTarget{bits})) << std::hex << bits;
  }
}

TEST(Compact, DropsOnlyLowBytes) {
  auto numbers = seeded_numbers();
  for (int round = 0; round < 10'000; ++round) {
    Bytes bytes = random_bytes(numbers, Target::kSize);
    std::fill_n(bytes.begin(), number_up_to(numbers, Target::kSize - 1), std::uint8_t{0});
    if (Target::from(bytes).is_zero()) continue;
    const Target given = Target::from(bytes);
    const auto read = target_of(compact_of(given));
    ASSERT_TRUE(read) << to_hex(bytes);
    EXPECT_LE(*read, given);
    EXPECT_LE(number_of(given) - number_of(*read), number_of(given) >> 15) << to_hex(bytes);
    EXPECT_EQ(compact_of(*read), compact_of(given));
  }
}

TEST(Compact, EveryFormThatIsReadIsWrittenTheSame) {
  auto numbers = seeded_numbers();
  int read = 0;
  for (int round = 0; round < 100'000; ++round) {
    const CompactTarget bits{static_cast<std::uint32_t>(number_up_to(numbers, 0x24ffffff))};
    const auto found = target_of(bits);
    if (!found) continue;
    ++read;
    EXPECT_EQ(compact_of(*found), bits);
  }
  EXPECT_GT(read, 10'000);
}

TEST(Work, MeetsUpToAndWithTheTarget) {
  BlockHash hash;
  hash.data()[31] = 7;
  hash.data()[63] = 255;  // The second half does not count.
  EXPECT_TRUE(meets(hash, target("7")));
  EXPECT_TRUE(meets(hash, target("8")));
  EXPECT_FALSE(meets(hash, target("6")));
  EXPECT_TRUE(meets(BlockHash::filled(255), Target::filled(255)));
}

TEST(Work, IsMetByACompactFormAsByItsTarget) {
  auto numbers = seeded_numbers();
  int met = 0;
  constexpr int kRounds = 200'000;
  for (int i = 0; i < kRounds; ++i) {
    // Every exponent, and mantissas at the edges as well as between them.
    const std::uint32_t edges[] = {0x008000, 0x00ffff, 0x010000, 0x7fffff, 0x123456};
    const std::uint32_t mantissa = number_up_to(numbers, 1) == 0
                                       ? edges[number_up_to(numbers, 4)]
                                       : static_cast<std::uint32_t>(numbers() & 0x7fffff);
    const CompactTarget compact{static_cast<std::uint32_t>(number_up_to(numbers, 34)) << 24 |
                                mantissa};
    const auto target = target_of(compact);
    ASSERT_EQ(is_target(compact), target.has_value());
    if (!target) continue;
    // The target itself, and what differs from it in one byte: on both sides of it.
    Bytes bytes = to_bytes(target->view());
    if (number_up_to(numbers, 3) != 0)
      bytes[number_up_to(numbers, 31)] = random_bytes(numbers, 1)[0];
    bytes.resize(BlockHash::kSize, 0xff);
    const BlockHash hash = BlockHash::from(bytes);
    ASSERT_EQ(meets(hash, compact), meets(hash, *target)) << to_hex(hash.view());
    met += meets(hash, compact) ? 1 : 0;
  }
  EXPECT_GT(met, kRounds / 10);
  EXPECT_LT(met, kRounds - kRounds / 10);
}

TEST(Work, IsTheWholePartOfTheQuotient) {
  auto numbers = seeded_numbers();
  const cpp_int all = cpp_int(1) << 256;
  for (int round = 0; round < 100'000; ++round) {
    Bytes bytes = random_bytes(numbers, Target::kSize);
    std::fill_n(bytes.begin(), number_up_to(numbers, Target::kSize - 1), std::uint8_t{0});
    const cpp_int divisor = number_of(Target::from(bytes)) + 1;
    const cpp_int work = number_of(work_of(Target::from(bytes)));
    if (divisor == 1) continue;  // Of target 0: does not fit, see below.
    ASSERT_LE(work * divisor, all);
    ASSERT_GT((work + 1) * divisor, all);
  }
}

TEST(Work, HasItsEnds) {
  EXPECT_EQ(work_of(Target::filled(255)), one_work());
  EXPECT_EQ(number_of(work_of(target("1"))), cpp_int(1) << 255);
  EXPECT_EQ(work_of(Target()), Work::filled(255));
  EXPECT_EQ(to_decimal(one_work()), "1");
  EXPECT_EQ(to_decimal(Work()), "0");
  EXPECT_EQ(to_decimal(Work::filled(255)),
            "115792089237316195423570985008687907853269984665640564039457584007913129639935");
}

TEST(Work, SumsAndStopsAtTheLargest) {
  auto numbers = seeded_numbers();
  const cpp_int largest = (cpp_int(1) << 256) - 1;
  for (int round = 0; round < 10'000; ++round) {
    const Work a = Work::from(random_bytes(numbers, Work::kSize));
    const Work b = Work::from(random_bytes(numbers, Work::kSize));
    EXPECT_EQ(number_of(sum(a, b)), std::min<cpp_int>(number_of(a) + number_of(b), largest));
  }
  EXPECT_EQ(sum(Work::filled(255), one_work()), Work::filled(255));
  EXPECT_EQ(sum(Work(), one_work()), one_work());
}

TEST(Work, ComparesAsANumber) {
  EXPECT_LT(relabel<Work>(target("ff")), relabel<Work>(target("100")));
  EXPECT_EQ(number_of(target_of_number(cpp_int(256))), 256);
}

}  // namespace
}  // namespace bmsg::chain
