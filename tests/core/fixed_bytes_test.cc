// FixedBytes: values of one length that compare bytewise and keep to their kind.

#include "lib/core/fixed_bytes.h"

#include <gtest/gtest.h>

#include <type_traits>
#include <unordered_set>

#include "lib/core/ids.h"

namespace bmsg {
namespace {

TEST(FixedBytes, AreZeroUnlessGiven) {
  EXPECT_TRUE(Topic().is_zero());
  EXPECT_FALSE(Topic({0, 0, 0, 1}).is_zero());
  EXPECT_EQ(Topic::filled(7), Topic({7, 7, 7, 7}));
}

TEST(FixedBytes, CompareBytewise) {
  EXPECT_LT(Topic({0, 255, 255, 255}), Topic({1, 0, 0, 0}));
  EXPECT_LT(Topic({1, 0, 0, 127}), Topic({1, 0, 0, 128}));
  EXPECT_EQ(Topic({1, 2, 3, 4}), Topic({1, 2, 3, 4}));
}

TEST(FixedBytes, DoNotChangePlaces) {
  EXPECT_FALSE((std::is_convertible_v<BlockHash, MerkleRoot>));
  EXPECT_FALSE((std::is_constructible_v<MessageId, ChainId>));
  EXPECT_EQ(relabel<MerkleRoot>(BlockHash::filled(3)), MerkleRoot::filled(3));
  EXPECT_EQ(prefix_of<ShortId>(MessageId::filled(3)), ShortId::filled(3));
}

TEST(FixedBytes, WantTheirLength) {
  EXPECT_EQ(Topic::from(Bytes{1, 2, 3, 4}), Topic({1, 2, 3, 4}));
  EXPECT_DEATH((void)Topic::from(Bytes{1, 2, 3}), "another length");
  EXPECT_DEATH((void)Topic::from(Bytes{1, 2, 3, 4, 5}), "another length");
}

TEST(FixedBytes, HashByTheirLastBytes) {
  // Work puts zeros first: a hash of those would throw all blocks into one bucket.
  std::unordered_set<std::size_t> seen;
  for (std::uint8_t i = 0; i < 100; ++i) {
    BlockHash hash;
    hash.data()[63] = i;
    seen.insert(FixedBytesHash()(hash));
  }
  EXPECT_EQ(seen.size(), 100u);
}

}  // namespace
}  // namespace bmsg
