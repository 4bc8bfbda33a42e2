#include "lib/crypto/sha512_batch.h"

#include <gtest/gtest.h>

#include <ostream>

#include "lib/crypto/sha512.h"
#include "tests/support/seed.h"

namespace bmsg::crypto {

static void PrintTo(const BatchKernel& kernel, std::ostream* out) { *out << kernel.name; }

namespace {

/// Runs each test with every build of the kernel that this machine has instructions for.
class BatchBuild : public testing::TestWithParam<BatchKernel> {};

INSTANTIATE_TEST_SUITE_P(All, BatchBuild, testing::ValuesIn(supported_batch_kernels()),
                         [](const auto& tested) {
                           std::string name = tested.param.name;
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(BatchBuild, SaysWhatOpenSslSaysForEverySize) {
  auto numbers = seeded_numbers();
  for (std::size_t size = 1; size <= 400; ++size) {
    const std::size_t count = 1 + size % 19;
    const Bytes inputs = random_bytes(numbers, size * count);
    const auto digests = sha512_each_by(GetParam(), inputs, size);
    ASSERT_EQ(digests.size(), count);
    for (std::size_t i = 0; i < count; ++i)
      ASSERT_EQ(digests[i], sha512(ByteView(inputs).subspan(i * size, size))) << size << " " << i;
  }
}

TEST_P(BatchBuild, SaysWhatOpenSslSaysForInputsOfManySizes) {
  auto numbers = seeded_numbers();
  constexpr std::size_t kLargest = 20'000;  // Too large to be copied.
  for (const std::size_t most : {std::size_t{40}, std::size_t{600}, kLargest}) {
    for (std::size_t count : {1, 2, 7, 8, 9, 100}) {
      std::vector<Bytes> kept;
      for (std::size_t i = 0; i < count; ++i)
        kept.push_back(random_bytes(numbers, std::size_t(numbers() % (most + 1))));
      const std::vector<ByteView> inputs(kept.begin(), kept.end());
      const auto digests = sha512_each_by(GetParam(), inputs);
      ASSERT_EQ(digests.size(), count);
      for (std::size_t i = 0; i < count; ++i)
        ASSERT_EQ(digests[i], sha512(kept[i])) << kept[i].size() << " " << i;
    }
  }
}

TEST_P(BatchBuild, PadsOnBothSidesOfEachLimit) {
  auto numbers = seeded_numbers();
  const std::size_t lanes = GetParam().lanes;
  for (const std::size_t size :
       {0, 1, 110, 111, 112, 127, 128, 129, 238, 239, 240, 255, 256, 257, 16'366, 16'367, 16'368}) {
    const std::vector<Bytes> kept(lanes, random_bytes(numbers, size));
    const std::vector<ByteView> inputs(kept.begin(), kept.end());
    for (const Digest& digest : sha512_each_by(GetParam(), inputs))
      ASSERT_EQ(digest, sha512(kept[0])) << size;
  }
}

TEST(Sha512Each, SaysNothingOfNothing) {
  EXPECT_TRUE(sha512_each({}, 256).empty());
  EXPECT_TRUE(sha512_each(std::span<const ByteView>()).empty());
}

TEST(Sha512Each, TakesAnyNumberOfInputs) {
  auto numbers = seeded_numbers();
  for (std::size_t count = 1; count <= 40; ++count) {
    const Bytes inputs = random_bytes(numbers, 256 * count);
    const auto digests = sha512_each(inputs, 256);
    ASSERT_EQ(digests.size(), count);
    for (std::size_t i = 0; i < count; ++i)
      EXPECT_EQ(digests[i], sha512(ByteView(inputs).subspan(i * 256, 256))) << count << " " << i;
  }
}

TEST(Sha512EachDeathTest, WantsInputsOfOneSize) {
  EXPECT_DEATH(sha512_each(Bytes(257), 256), "several sizes");
  EXPECT_DEATH(sha512_each(Bytes(1), 0), "several sizes");
}

}  // namespace
}  // namespace bmsg::crypto
