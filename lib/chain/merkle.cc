#include "lib/chain/merkle.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "lib/core/check.h"
#include "lib/crypto/sha512.h"
#include "lib/crypto/sha512_batch.h"

namespace bmsg::chain {
namespace {

constexpr std::uint8_t kLeaf[] = {0};
constexpr std::uint8_t kNode[] = {1};

/// Leaves left of where RFC 9162 splits a tree of `size`, which is 2 or more.
std::uint64_t left_of(std::uint64_t size) { return std::bit_floor(size - 1); }

Digest root_of(const std::vector<Digest>& leaf_hashes, LeafRange range) {
  MerklePeaks tree;
  for (std::uint64_t i = range.first; i < range.end; ++i) tree.add(leaf_hashes[i]);
  return relabel<Digest>(tree.root());
}

std::vector<Digest> roots_of(const std::vector<Digest>& leaf_hashes,
                             const std::vector<LeafRange>& ranges) {
  std::vector<Digest> roots;
  roots.reserve(ranges.size());
  for (const LeafRange range : ranges) roots.push_back(root_of(leaf_hashes, range));
  return roots;
}

/// A node's place in its level, and the last place there, on the way up.
struct Climb {
  std::uint64_t node;
  std::uint64_t last;

  bool is_right() const { return (node & 1) != 0; }
  void rise() {
    node >>= 1;
    last >>= 1;
  }
  void rise_to_right_node() {
    while (node != 0 && !is_right()) rise();
  }
};

}  // namespace

Digest leaf_hash(ByteView leaf) { return crypto::sha512({kLeaf, leaf}); }

Digest node_hash(const Digest& left, const Digest& right) {
  return crypto::sha512({kNode, left.view(), right.view()});
}

MerkleRoot root_of(const std::vector<Digest>& leaf_hashes) {
  return relabel<MerkleRoot>(root_of(leaf_hashes, LeafRange{0, leaf_hashes.size()}));
}

// A last node without a neighbour rises as it is: that is where RFC 9162 splits, too.
std::vector<MerkleRoot> roots_of(std::vector<Digest> leaf_hashes, std::vector<std::size_t> counts) {
  check(std::reduce(counts.begin(), counts.end()) == leaf_hashes.size(), "leaves of no list");
  const std::vector<std::size_t> begun = counts;
  std::vector<Digest> level = std::move(leaf_hashes);
  const auto is_wide = [](std::size_t count) { return count > 1; };
  while (std::ranges::any_of(counts, is_wide)) {
    Bytes pairs;
    pairs.reserve(level.size() / 2 * (1 + 2 * Digest::kSize));
    std::size_t at = 0;
    for (const std::size_t count : counts) {
      for (std::size_t i = 0; i + 1 < count; i += 2) {
        append(pairs, kNode);
        append(pairs, level[at + i].view());
        append(pairs, level[at + i + 1].view());
      }
      at += count;
    }
    const auto joined = crypto::sha512_each(pairs, 1 + 2 * Digest::kSize);
    std::vector<Digest> above;
    above.reserve(joined.size() + counts.size());
    auto next = joined.begin();
    at = 0;
    for (std::size_t& count : counts) {
      above.insert(above.end(), next, next + static_cast<std::ptrdiff_t>(count / 2));
      next += static_cast<std::ptrdiff_t>(count / 2);
      if (count % 2 == 1) above.push_back(level[at + count - 1]);
      at += count;
      count = (count + 1) / 2;
    }
    level = std::move(above);
  }
  std::vector<MerkleRoot> roots;
  auto next = level.begin();
  for (const std::size_t count : begun)
    roots.push_back(count == 0 ? root_of({}) : relabel<MerkleRoot>(*next++));
  return roots;
}

std::vector<LeafRange> inclusion_ranges(std::uint64_t index, std::uint64_t size) {
  check(index < size, "a proof for a leaf that is not there");
  std::vector<LeafRange> ranges;
  LeafRange here{0, size};
  while (here.end - here.first > 1) {
    const std::uint64_t middle = here.first + left_of(here.end - here.first);
    const LeafRange left{here.first, middle};
    const LeafRange right{middle, here.end};
    here = index < middle ? left : right;
    ranges.push_back(index < middle ? right : left);
  }
  std::ranges::reverse(ranges);
  return ranges;
}

std::vector<LeafRange> consistency_ranges(std::uint64_t older, std::uint64_t newer) {
  check(older <= newer, "a proof that a tree shrank");
  if (older == 0 || older == newer) return {};
  std::vector<LeafRange> ranges;
  LeafRange here{0, newer};
  while (here.end != older) {
    const std::uint64_t middle = here.first + left_of(here.end - here.first);
    const LeafRange left{here.first, middle};
    const LeafRange right{middle, here.end};
    here = older <= middle ? left : right;
    ranges.push_back(older <= middle ? right : left);
  }
  // A subtree that begins at leaf 0 is the whole older tree, whose root the verifier has.
  if (here.first != 0) ranges.push_back(here);
  std::ranges::reverse(ranges);
  return ranges;
}

std::vector<Subtree> subtrees_of(LeafRange range) {
  std::vector<Subtree> subtrees;
  while (range.first < range.end) {
    const auto level = static_cast<std::uint8_t>(std::bit_width(range.end - range.first) - 1);
    subtrees.push_back(Subtree{level, range.first >> level});
    range.first += std::uint64_t{1} << level;
  }
  return subtrees;
}

Digest join(const std::vector<Digest>& subtree_roots) {
  if (subtree_roots.empty()) return crypto::sha512(ByteView());
  Digest root = subtree_roots.back();
  for (std::size_t i = subtree_roots.size() - 1; i-- > 0;) root = node_hash(subtree_roots[i], root);
  return root;
}

std::vector<Digest> inclusion_proof(const std::vector<Digest>& leaf_hashes, std::uint64_t index) {
  return roots_of(leaf_hashes, inclusion_ranges(index, leaf_hashes.size()));
}

bool includes(const Digest& leaf_hash, std::uint64_t index, std::uint64_t size,
              const std::vector<Digest>& proof, const MerkleRoot& root) {
  if (index >= size) return false;
  Climb climb{index, size - 1};
  Digest here = leaf_hash;
  for (const Digest& beside : proof) {
    if (climb.last == 0) return false;
    if (climb.is_right() || climb.node == climb.last) {
      here = node_hash(beside, here);
      climb.rise_to_right_node();
    } else {
      here = node_hash(here, beside);
    }
    climb.rise();
  }
  return climb.last == 0 && relabel<MerkleRoot>(here) == root;
}

std::vector<Digest> consistency_proof(const std::vector<Digest>& leaf_hashes, std::uint64_t older) {
  return roots_of(leaf_hashes, consistency_ranges(older, leaf_hashes.size()));
}

bool consistent(std::uint64_t older_size, const MerkleRoot& older, std::uint64_t newer_size,
                const MerkleRoot& newer, const std::vector<Digest>& proof) {
  if (older_size > newer_size) return false;
  if (older_size == newer_size) return proof.empty() && older == newer;
  if (older_size == 0) return proof.empty() && older == root_of({});

  std::vector<Digest> path = proof;
  if (std::has_single_bit(older_size)) path.insert(path.begin(), relabel<Digest>(older));
  if (path.empty()) return false;
  Climb climb{older_size - 1, newer_size - 1};
  while (climb.is_right()) climb.rise();
  Digest older_here = path.front();
  Digest newer_here = path.front();
  for (std::size_t i = 1; i < path.size(); ++i) {
    if (climb.last == 0) return false;
    if (climb.is_right() || climb.node == climb.last) {
      older_here = node_hash(path[i], older_here);
      newer_here = node_hash(path[i], newer_here);
      climb.rise_to_right_node();
    } else {
      newer_here = node_hash(newer_here, path[i]);
    }
    climb.rise();
  }
  return climb.last == 0 && relabel<MerkleRoot>(older_here) == older &&
         relabel<MerkleRoot>(newer_here) == newer;
}

MerklePeaks::MerklePeaks(std::uint64_t size, std::vector<Digest> peaks)
    : size_(size), peaks_(std::move(peaks)) {
  check(peaks_.size() == static_cast<std::size_t>(std::popcount(size_)), "peaks of another size");
}

std::vector<Digest> MerklePeaks::add(const Digest& leaf_hash) {
  std::vector<Digest> completed = {leaf_hash};
  for (std::uint64_t left = size_; (left & 1) != 0; left >>= 1) {
    completed.push_back(node_hash(peaks_.back(), completed.back()));
    peaks_.pop_back();
  }
  peaks_.push_back(completed.back());
  ++size_;
  return completed;
}

MerkleRoot MerklePeaks::root() const { return relabel<MerkleRoot>(join(peaks_)); }

}  // namespace bmsg::chain
