// The tree against a definition as short as RFC 9162's, and against whoever would forge in it.

#include "lib/chain/merkle.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "lib/core/hex.h"
#include "lib/crypto/sha512.h"

namespace bmsg::chain {
namespace {

constexpr std::size_t kLeavesMax = 33;

using Proof = std::vector<Digest>;

Digest leaf(std::size_t number) { return leaf_hash(Bytes{static_cast<std::uint8_t>(number)}); }

std::vector<Digest> leaves(std::size_t count) {
  std::vector<Digest> made;
  for (std::size_t i = 0; i < count; ++i) made.push_back(leaf(i));
  return made;
}

std::vector<Digest> slice(const std::vector<Digest>& all, std::size_t first, std::size_t end) {
  return {all.begin() + static_cast<std::ptrdiff_t>(first),
          all.begin() + static_cast<std::ptrdiff_t>(end)};
}

std::size_t split(std::size_t size) {
  std::size_t left = 1;
  while (left * 2 < size) left *= 2;
  return left;
}

// MTH of RFC 9162, 2.1.1, word for word.
Digest naive_root(const std::vector<Digest>& list) {
  if (list.empty()) return crypto::sha512(ByteView());
  if (list.size() == 1) return list[0];
  const std::size_t k = split(list.size());
  const Digest left = naive_root(slice(list, 0, k));
  const Digest right = naive_root(slice(list, k, list.size()));
  return crypto::sha512({Bytes{1}, left.view(), right.view()});
}

// PATH of RFC 9162, 2.1.3.1.
std::vector<Digest> naive_path(std::size_t index, const std::vector<Digest>& list) {
  if (list.size() == 1) return {};
  const std::size_t k = split(list.size());
  const auto left = slice(list, 0, k);
  const auto right = slice(list, k, list.size());
  auto path = index < k ? naive_path(index, left) : naive_path(index - k, right);
  path.push_back(naive_root(index < k ? right : left));
  return path;
}

// SUBPROOF of RFC 9162, 2.1.4.1.
std::vector<Digest> naive_subproof(std::size_t older, const std::vector<Digest>& list, bool whole) {
  if (older == list.size()) return whole ? std::vector<Digest>{} : std::vector{naive_root(list)};
  const std::size_t k = split(list.size());
  const auto left = slice(list, 0, k);
  const auto right = slice(list, k, list.size());
  auto proof =
      older <= k ? naive_subproof(older, left, whole) : naive_subproof(older - k, right, false);
  proof.push_back(naive_root(older <= k ? right : left));
  return proof;
}

TEST(Merkle, HashesLeavesAndNodesUnderDifferentPrefixes) {
  const Bytes text = to_bytes("leaf");
  EXPECT_EQ(leaf_hash(text), crypto::sha512({Bytes{0}, text}));
  EXPECT_EQ(node_hash(leaf(1), leaf(2)),
            crypto::sha512({Bytes{1}, leaf(1).view(), leaf(2).view()}));
}

TEST(Merkle, RootIsTheDefinitions) {
  for (std::size_t count = 0; count <= kLeavesMax; ++count) {
    EXPECT_EQ(relabel<Digest>(root_of(leaves(count))), naive_root(leaves(count))) << count;
  }
}

TEST(Merkle, RootsOfManyListsAreThoseOfEach) {
  std::vector<Digest> all;
  std::vector<std::size_t> counts;
  for (std::size_t count = 0; count <= kLeavesMax; ++count) {
    for (const std::size_t size : {count, kLeavesMax - count}) {
      const auto list = leaves(size);
      all.insert(all.end(), list.begin(), list.end());
      counts.push_back(size);
    }
  }
  const auto roots = roots_of(all, counts);
  ASSERT_EQ(roots.size(), counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i)
    EXPECT_EQ(relabel<Digest>(roots[i]), naive_root(leaves(counts[i]))) << counts[i];
  EXPECT_TRUE(roots_of({}, {}).empty());
}

TEST(Merkle, InclusionProofIsTheDefinitionsAndHolds) {
  for (std::size_t count = 1; count <= kLeavesMax; ++count) {
    const auto list = leaves(count);
    for (std::size_t i = 0; i < count; ++i) {
      const auto proof = inclusion_proof(list, i);
      EXPECT_EQ(proof, naive_path(i, list)) << i << " of " << count;
      EXPECT_TRUE(includes(list[i], i, count, proof, root_of(list))) << i << " of " << count;
    }
  }
}

TEST(Merkle, InclusionProofHoldsForNoOtherLeafIndexRootOrLength) {
  for (std::size_t count = 1; count <= kLeavesMax; ++count) {
    const auto list = leaves(count);
    const MerkleRoot root = root_of(list);
    for (std::size_t i = 0; i < count; ++i) {
      const auto proof = inclusion_proof(list, i);
      for (std::size_t other = 0; other <= count; ++other) {
        EXPECT_EQ(includes(list[i], other, count, proof, root), other == i);
      }
      auto longer = proof;
      longer.push_back(leaf(0));
      EXPECT_FALSE(includes(list[i], i, count, longer, root));
      EXPECT_FALSE(includes(leaf(100), i, count, proof, root));
      EXPECT_FALSE(includes(list[i], i, count, proof, MerkleRoot()));
      if (proof.empty()) continue;
      auto shorter = proof;
      shorter.pop_back();
      EXPECT_FALSE(includes(list[i], i, count, shorter, root));
      auto altered = proof;
      altered.back().data()[63] ^= 1;
      EXPECT_FALSE(includes(list[i], i, count, altered, root));
    }
  }
}

TEST(Merkle, EmptyTreeIncludesNothing) {
  EXPECT_FALSE(includes(leaf(0), 0, 0, {}, root_of({})));
  EXPECT_FALSE(includes(relabel<Digest>(root_of({})), 0, 0, {}, root_of({})));
}

TEST(Merkle, ConsistencyProofIsTheDefinitionsAndHolds) {
  const auto list = leaves(kLeavesMax);
  for (std::size_t newer = 0; newer <= kLeavesMax; ++newer) {
    const auto all = slice(list, 0, newer);
    for (std::size_t older = 0; older <= newer; ++older) {
      const auto proof = consistency_proof(all, older);
      EXPECT_EQ(proof, older == 0 ? Proof{} : naive_subproof(older, all, true));
      const MerkleRoot older_root = root_of(slice(list, 0, older));
      EXPECT_TRUE(consistent(older, older_root, newer, root_of(all), proof))
          << older << " to " << newer;
    }
  }
}

TEST(Merkle, ConsistencyProofHoldsForNoOtherTree) {
  const auto list = leaves(kLeavesMax);
  auto rewritten = list;
  rewritten[0] = leaf(100);
  for (std::size_t newer = 1; newer <= kLeavesMax; ++newer) {
    const MerkleRoot newer_root = root_of(slice(list, 0, newer));
    for (std::size_t older = 1; older <= newer; ++older) {
      const auto proof = consistency_proof(slice(list, 0, newer), older);
      const MerkleRoot older_root = root_of(slice(list, 0, older));
      const MerkleRoot other_past = root_of(slice(rewritten, 0, older));
      EXPECT_FALSE(consistent(older, other_past, newer, newer_root, proof));
      EXPECT_FALSE(consistent(older, older_root, newer, MerkleRoot(), proof));
      EXPECT_FALSE(consistent(older + 1, older_root, newer, newer_root, proof));
      auto longer = proof;
      longer.push_back(leaf(0));
      EXPECT_FALSE(consistent(older, older_root, newer, newer_root, longer));
      if (proof.empty()) continue;
      auto shorter = proof;
      shorter.pop_back();
      EXPECT_FALSE(consistent(older, older_root, newer, newer_root, shorter));
    }
  }
}

TEST(Merkle, NoTreeShrinks) {
  EXPECT_FALSE(consistent(2, root_of(leaves(2)), 1, root_of(leaves(1)), {}));
}

TEST(Merkle, NoTwoShortListsHaveOneRoot) {
  // All lists of up to 9 leaves that are 0 or 1, or the bytes of the node over these two: if an
  // inner node could pass for a leaf, or a doubled last leaf for a single one, two would agree.
  Bytes both = to_bytes(leaf(0).view());
  append(both, leaf(1).view());
  const std::vector<Digest> letters = {leaf(0), leaf(1), leaf_hash(both)};
  std::set<MerkleRoot> seen;
  std::vector<std::vector<Digest>> lists = {{}};  // All of one length.
  for (unsigned count = 0; count <= 9; ++count) {
    std::vector<std::vector<Digest>> longer;
    for (const auto& list : lists) {
      EXPECT_TRUE(seen.insert(root_of(list)).second);
      for (const Digest& letter : letters) {
        longer.push_back(list);
        longer.back().push_back(letter);
      }
    }
    lists = std::move(longer);
  }
  EXPECT_EQ(seen.size(), 29'524U);  // (3^10 - 1) / 2.
}

TEST(Merkle, DoubledLastLeafChangesTheRoot) {
  for (std::size_t count = 1; count <= kLeavesMax; ++count) {
    auto doubled = leaves(count);
    doubled.push_back(doubled.back());
    EXPECT_NE(root_of(doubled), root_of(leaves(count))) << count;
  }
}

TEST(Merkle, InnerNodeIsNoLeaf) {
  // 128 bytes of two leaf hashes as one leaf, where their node stands in the tree.
  Bytes both = to_bytes(leaf(0).view());
  append(both, leaf(1).view());
  EXPECT_NE(root_of({leaf_hash(both), leaf(2)}), root_of(leaves(3)));
  const auto proof = inclusion_proof(leaves(4), 0);
  EXPECT_FALSE(includes(leaf_hash(both), 0, 2, {proof.back()}, root_of(leaves(4))));
}

// Where the nodes of the proofs stand that Certificate Transparency publishes for its tree of 8.
// Source: the CT reference test vectors (paths and proofs), as positions instead of SHA-256 values.
TEST(Merkle, ProofsTakeTheNodesOfTheTransparencyVectors) {
  const auto subtrees = [](const std::vector<LeafRange>& ranges) {
    std::vector<Subtree> nodes;
    for (const LeafRange range : ranges) {
      for (const Subtree subtree : subtrees_of(range)) nodes.push_back(subtree);
    }
    return nodes;
  };
  using Nodes = std::vector<Subtree>;
  EXPECT_EQ(subtrees(inclusion_ranges(0, 1)), Nodes{});
  EXPECT_EQ(subtrees(inclusion_ranges(0, 8)), (Nodes{{0, 1}, {1, 1}, {2, 1}}));
  EXPECT_EQ(subtrees(inclusion_ranges(5, 8)), (Nodes{{0, 4}, {1, 3}, {2, 0}}));
  EXPECT_EQ(subtrees(inclusion_ranges(2, 3)), (Nodes{{1, 0}}));
  EXPECT_EQ(subtrees(inclusion_ranges(1, 5)), (Nodes{{0, 0}, {1, 1}, {0, 4}}));
  EXPECT_EQ(subtrees(consistency_ranges(1, 1)), Nodes{});
  EXPECT_EQ(subtrees(consistency_ranges(1, 8)), (Nodes{{0, 1}, {1, 1}, {2, 1}}));
  EXPECT_EQ(subtrees(consistency_ranges(6, 8)), (Nodes{{1, 2}, {1, 3}, {2, 0}}));
  EXPECT_EQ(subtrees(consistency_ranges(2, 5)), (Nodes{{1, 1}, {0, 4}}));
}

TEST(MerklePeaks, GrowToTheSameRootAndGoOnFromStoredPeaks) {
  MerklePeaks grown;
  for (std::size_t count = 0; count <= kLeavesMax; ++count) {
    EXPECT_EQ(grown.size(), count);
    EXPECT_EQ(grown.root(), root_of(leaves(count)));
    EXPECT_EQ(MerklePeaks(count, grown.peaks()).root(), grown.root());
    grown = MerklePeaks(count, grown.peaks());
    grown.add(leaf(count));
  }
}

TEST(MerklePeaks, StoredNodesGiveEveryProof) {
  std::map<std::pair<std::uint8_t, std::uint64_t>, Digest> stored;
  MerklePeaks grown;
  const auto root_of_range = [&stored](LeafRange range) {
    std::vector<Digest> roots;
    for (const Subtree subtree : subtrees_of(range)) {
      roots.push_back(stored.at({subtree.level, subtree.index}));
    }
    return join(roots);
  };
  for (std::size_t count = 1; count <= kLeavesMax; ++count) {
    const auto completed = grown.add(leaf(count - 1));
    for (std::uint8_t level = 0; level < completed.size(); ++level) {
      EXPECT_TRUE(stored.emplace(std::pair(level, (count - 1) >> level), completed[level]).second);
    }
    EXPECT_EQ(root_of_range({0, count}), relabel<Digest>(grown.root()));
    const auto list = leaves(count);
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<Digest> proof;
      for (const LeafRange range : inclusion_ranges(i, count))
        proof.push_back(root_of_range(range));
      EXPECT_EQ(proof, inclusion_proof(list, i));
      proof.clear();
      for (const LeafRange range : consistency_ranges(i, count)) {
        proof.push_back(root_of_range(range));
      }
      EXPECT_EQ(proof, consistency_proof(list, i));
    }
  }
}

TEST(MerklePeaks, RefusePeaksOfAnotherSize) {
  EXPECT_DEATH(MerklePeaks(3, {leaf(0)}), "peaks of another size");
}

}  // namespace
}  // namespace bmsg::chain
