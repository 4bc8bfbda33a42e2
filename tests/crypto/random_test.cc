#include "lib/crypto/random.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/crypto/hex_bytes.h"
#include "tests/support/fake_entropy.h"

namespace bmsg::crypto {
namespace {

class NoEntropy final : public Entropy {
 public:
  Result<Done> fill(std::span<std::uint8_t> /*out*/) override {
    return Error{Errc::no_resource, "none"};
  }
};

TEST(SystemEntropy, FillsMoreThanOneCallMayGive) {
  SystemEntropy entropy;
  Bytes bytes(1 << 20);  // A signal may cut any call above 256 bytes short.
  ASSERT_TRUE(entropy.fill(bytes));
  for (std::size_t at = 0; at < bytes.size(); at += 64) {
    const ByteView part = ByteView(bytes).subspan(at, 64);
    EXPECT_FALSE(std::ranges::all_of(part, [](auto byte) { return byte == 0; })) << at;
  }
}

TEST(SystemEntropy, GivesOtherBytesEachTime) {
  SystemEntropy entropy;
  const auto first = random_secret(entropy, 32);
  const auto second = random_secret(entropy, 32);
  ASSERT_TRUE(first && second);
  EXPECT_NE(hex(first.value()), hex(second.value()));
}

TEST(SystemEntropy, FillsNothingWhenNothingIsAsked) { EXPECT_TRUE(SystemEntropy().fill({})); }

TEST(RandomSecret, TakesItsBytesFromTheSourceGiven) {
  FakeEntropy entropy(7);
  FakeEntropy same(7);
  Bytes expected(24);
  ASSERT_TRUE(same.fill(expected));
  const auto drawn = random_secret(entropy, 24);
  ASSERT_TRUE(drawn);
  EXPECT_EQ(hex(drawn.value()), to_hex(expected));
}

TEST(RandomSecret, FailsWithItsSource) {
  NoEntropy entropy;
  const auto drawn = random_secret(entropy, 32);
  ASSERT_FALSE(drawn);
  EXPECT_EQ(drawn.error().code, Errc::no_resource);
}

}  // namespace
}  // namespace bmsg::crypto
