#include "lib/crypto/search.h"

#include <ostream>
#include <random>

#include <gtest/gtest.h>

#include "lib/core/big_endian.h"
#include "lib/crypto/sha512.h"
#include "tests/crypto/hex_bytes.h"
#include "tests/support/seed.h"
#include "tests/vectors/golden.h"

namespace bmsg::crypto {

static void PrintTo(const SearchKernel& kernel, std::ostream* out) { *out << kernel.name; }

namespace {

constexpr std::uint64_t kMax = ~std::uint64_t{0};
constexpr std::size_t kStampPrefix = 64;
constexpr std::size_t kHeaderPrefix = 248;

using Found = std::optional<std::uint64_t>;

/// What the search compares with its limit.
std::uint64_t value_of(ByteView prefix, std::uint64_t nonce) {
  Bytes tail;
  append_be(tail, nonce);
  return load_be<std::uint64_t>(sha512({prefix, tail}).data());
}

/// The search by OpenSSL, one nonce after the other.
Found find_plainly(ByteView prefix, std::uint64_t limit, std::uint64_t start, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    if (value_of(prefix, start + i) <= limit) return start + i;
  }
  return std::nullopt;
}

Found find_with(const SearchKernel& kernel, ByteView prefix, std::uint64_t limit,
                std::uint64_t start, std::uint64_t count) {
  std::uint64_t nonce = 0;
  if (!kernel.find(search_block(prefix, limit), start, count, nonce)) return std::nullopt;
  return nonce;
}

/// Runs each test with every build of the kernel that this machine has instructions for.
class SearchBuild : public testing::TestWithParam<SearchKernel> {
 protected:
  Found find(ByteView prefix, std::uint64_t limit, std::uint64_t start, std::uint64_t count) const {
    return find_with(GetParam(), prefix, limit, start, count);
  }

  std::mt19937_64 numbers = seeded_numbers();
};

std::vector<SearchKernel> supported() {
  const auto kernels = supported_search_kernels();
  return {kernels.list, kernels.list + kernels.count};
}

INSTANTIATE_TEST_SUITE_P(All, SearchBuild, testing::ValuesIn(supported()), [](const auto& tested) {
  std::string name = tested.param.name;
  std::erase(name, '-');
  return name;
});

TEST_P(SearchBuild, AgreesWithOpenSslWhereverTheNonceMayStand) {
  for (const std::size_t size : {64, 120, 192, 248, 320, 376}) {
    const Bytes prefix = random_bytes(numbers, size);
    for (std::uint64_t start = 0; start < 40; ++start) {
      EXPECT_EQ(find(prefix, kMax / 16, start, 40), find_plainly(prefix, kMax / 16, start, 40))
          << size << " " << start;
    }
  }
}

TEST_P(SearchBuild, FindsTheLowestNonceInRandomRanges) {
  int hits = 0;
  constexpr int kRounds = 2000;
  for (int round = 0; round < kRounds; ++round) {
    const Bytes prefix = random_bytes(numbers, round % 2 == 0 ? kStampPrefix : kHeaderPrefix);
    const std::uint64_t limit = kMax >> numbers() % 10;
    const std::uint64_t start = numbers();
    const std::uint64_t count = numbers() % 70;
    const Found expected = find_plainly(prefix, limit, start, count);
    ASSERT_EQ(find(prefix, limit, start, count), expected) << start << " " << count << " " << limit;
    hits += expected.has_value();
  }
  EXPECT_GT(hits, kRounds / 4);
  EXPECT_LT(hits, kRounds);
}

TEST_P(SearchBuild, AcceptsTheLimitItselfAndNothingAbove) {
  for (const std::size_t size : {kStampPrefix, kHeaderPrefix}) {
    const Bytes prefix = random_bytes(numbers, size);
    const std::uint64_t value = value_of(prefix, 77);
    EXPECT_EQ(find(prefix, value, 77, 1), Found(77));
    EXPECT_EQ(find(prefix, value - 1, 77, 1), std::nullopt);
  }
}

TEST_P(SearchBuild, StopsExactlyAtTheEndOfTheRange) {
  const Bytes prefix = random_bytes(numbers, kStampPrefix);
  const std::uint64_t limit = kMax / 4096;
  const Found hit = find_plainly(prefix, limit, 1000, 1'000'000);
  ASSERT_TRUE(hit);
  for (std::uint64_t before = 0; before <= 40; ++before) {
    const std::uint64_t start = std::max<std::uint64_t>(*hit - before, 1000);
    const std::uint64_t count = *hit - start;
    EXPECT_EQ(find(prefix, limit, start, count), std::nullopt) << before;
    EXPECT_EQ(find(prefix, limit, start, count + 1), hit) << before;
    EXPECT_EQ(find(prefix, limit, start, count + 2), hit) << before;
  }
}

TEST_P(SearchBuild, FindsNothingInAnEmptyRange) {
  EXPECT_EQ(find(Bytes(kStampPrefix), kMax, 5, 0), std::nullopt);
}

TEST_P(SearchBuild, FindsTheStartWhenEverythingMeetsTheLimit) {
  EXPECT_EQ(find(Bytes(kStampPrefix), kMax, 5, kMax), Found(5));
  EXPECT_EQ(find(Bytes(kHeaderPrefix), kMax, kMax, kMax), Found(kMax));
}

TEST_P(SearchBuild, GoesOnAtZeroAfterTheLastNonce) {
  const Bytes prefix = random_bytes(numbers, kHeaderPrefix);
  for (std::uint64_t before = 0; before < 20; ++before) {
    const std::uint64_t start = kMax - before;
    EXPECT_EQ(find(prefix, kMax / 64, start, 400), find_plainly(prefix, kMax / 64, start, 400));
    const std::uint64_t lowest = value_of(prefix, 3);
    EXPECT_EQ(find(prefix, lowest, start, before + 5),
              find_plainly(prefix, lowest, start, before + 5));
  }
}

// Nonces that an independent model found by trying from 0 on.
TEST(Search, FindsTheStampsOfTheWorkedExample) {
  constexpr std::uint64_t kDays = 30;
  constexpr std::uint64_t kRate = 16;
  const Search post(unhex(golden::kPostId), kMax / (kRate * golden::kPostSize * kDays));
  EXPECT_EQ(post.find(0, 1 << 20), Found(golden::kPostNonce));
  const Search sealed(unhex(golden::kSealId), kMax / (kRate * golden::kSealSize * kDays));
  EXPECT_EQ(sealed.find(0, 1 << 20), Found(golden::kSealNonce));
  EXPECT_EQ(sealed.find(0, golden::kSealNonce), std::nullopt);
}

TEST(Search, FindsTheBlockOfTheWorkedExample) {
  constexpr std::uint64_t kTarget = 0x00f3fc0000000000;  // The first 8 bytes of bits 2000f3fc.
  const Bytes header = unhex(golden::kBlock1Header);
  ASSERT_EQ(header.size(), kHeaderPrefix + 8);
  const Search search(ByteView(header).first(kHeaderPrefix), kTarget);
  EXPECT_EQ(search.find(0, 1 << 20), Found(golden::kBlock1Nonce));
}

TEST(Search, RunsTheFastestBuildThatThisMachineHas) {
  EXPECT_EQ(search_kernel_name(), supported().front().name);
}

TEST(Search, HasTheBuildForEveryMachine) { EXPECT_STREQ(supported().back().name, "x86-64"); }

TEST(SearchDeathTest, EndsTheProgramForAPrefixThatIsNotMadeOfWords) {
  const Bytes prefix(63);
  EXPECT_DEATH(Search(prefix, 0), "made of words");
}

}  // namespace
}  // namespace bmsg::crypto
