// Seals: enough good signatures of the right keys, and nothing else; merged in any order.

#include "lib/chain/endorsement.h"

#include <gtest/gtest.h>

#include "lib/chain/block_hash.h"
#include "lib/crypto/sign.h"
#include "tests/support/chain_builder.h"
#include "tests/support/seed.h"

namespace bmsg::chain {
namespace {

class SealTest : public testing::Test {
 protected:
  Signature signature_of(std::uint8_t index, const BlockHash& block) const {
    const Bytes seed(crypto::kSeedBytes, static_cast<std::uint8_t>(0x11 + index));
    return crypto::sign(crypto::SecretBytes::from(seed),
                        endorsement_text(builder_.chain().id, block));
  }
  Seal seal_of(std::initializer_list<std::uint8_t> indices) const {
    Seal seal;
    for (const std::uint8_t index : indices) {
      seal.push_back(SealEntry{index, signature_of(index, hash_)});
    }
    return seal;
  }
  /// The rule that breaks; nullopt if none does.
  std::optional<Rule> rule_of(const Seal& seal, std::size_t needed = 2) const {
    const auto violation = find_seal_violation(seal, hash_, builder_.chain(), needed);
    return violation ? std::optional(violation->rule) : std::nullopt;
  }

  ChainBuilder builder_{endorse_rules_text(2, 3)};
  BlockHash hash_ = BlockHash::filled(7);
};

TEST_F(SealTest, HoldsWithEnoughGoodSignatures) {
  EXPECT_EQ(rule_of(seal_of({0, 1})), std::nullopt);
  EXPECT_EQ(rule_of(seal_of({0, 2})), std::nullopt);
  EXPECT_EQ(rule_of(seal_of({0, 1, 2})), std::nullopt);
  EXPECT_EQ(rule_of(seal_of({0}), 1), std::nullopt);
}

TEST_F(SealTest, NeedsEnoughSignatures) {
  EXPECT_EQ(rule_of(seal_of({})), Rule::seal);
  EXPECT_EQ(rule_of(seal_of({1})), Rule::seal);
}

TEST_F(SealTest, WantsEverySignatureGoodEvenBeyondTheNeeded) {
  Seal seal = seal_of({0, 1, 2});
  seal[2].signature.data()[0] ^= 1;
  EXPECT_EQ(rule_of(seal), Rule::seal);
}

TEST_F(SealTest, WantsDistinctAscendingIndicesInRange) {
  EXPECT_EQ(rule_of(seal_of({1, 0})), Rule::seal);
  EXPECT_EQ(rule_of(seal_of({1, 1})), Rule::seal);
  EXPECT_EQ(rule_of(seal_of({1, 3})), Rule::seal);
  EXPECT_EQ(rule_of(seal_of({1, 255})), Rule::seal);
}

TEST_F(SealTest, RefusesASignatureOfAnotherKeyBlockOrChain) {
  Seal swapped = seal_of({0, 1});
  std::swap(swapped[0].signature, swapped[1].signature);
  EXPECT_EQ(rule_of(swapped), Rule::seal);

  Seal other_block = seal_of({0, 1});
  other_block[1].signature = signature_of(1, BlockHash::filled(8));
  EXPECT_EQ(rule_of(other_block), Rule::seal);

  const ChainBuilder other(endorse_rules_text(3, 3));
  EXPECT_TRUE(find_seal_violation(seal_of({0, 1}), hash_, other.chain(), 2));
}

TEST_F(SealTest, MergesIntoTheUnion) {
  EXPECT_EQ(merge(seal_of({0}), seal_of({2})), seal_of({0, 2}));
  EXPECT_EQ(merge(seal_of({2}), seal_of({0, 1})), seal_of({0, 1, 2}));
  EXPECT_EQ(merge({}, seal_of({1})), seal_of({1}));
  EXPECT_EQ(merge(seal_of({1}), {}), seal_of({1}));
}

TEST_F(SealTest, MergeKeepsTheFirstSignatureOfAnIndex) {
  Seal other = seal_of({0, 1});
  other[0].signature = Signature::filled(9);
  EXPECT_EQ(merge(seal_of({0}), other), seal_of({0, 1}));
  EXPECT_EQ(merge(other, seal_of({0})), other);
}

TEST_F(SealTest, MergeOfGoodSealsIsOneInAnyOrder) {
  auto numbers = seeded_numbers();
  std::vector<Seal> parts = {seal_of({0}), seal_of({1}), seal_of({2}), seal_of({0, 2})};
  for (int round = 0; round < 20; ++round) {
    std::shuffle(parts.begin(), parts.end(), numbers);
    Seal merged;
    for (const Seal& part : parts) merged = merge(merged, part);
    EXPECT_EQ(merged, seal_of({0, 1, 2}));
  }
}

}  // namespace
}  // namespace bmsg::chain
