// The one tree of the protocol: RFC 6962 over SHA-512. It commits to the messages of a block and
// to the blocks of the chain.
//
// Leaves and inner nodes are hashed under different prefixes and no leaf is ever used twice, so
// neither an inner node nor a doubled last leaf (CVE-2012-2459) can stand for another list.

#pragma once

#include <cstdint>
#include <vector>

#include "lib/core/bytes.h"
#include "lib/core/ids.h"

namespace bmsg::chain {

Digest leaf_hash(ByteView leaf);                            // H(0x00 ‖ leaf)
Digest node_hash(const Digest& left, const Digest& right);  // H(0x01 ‖ left ‖ right)

/// The root over leaf hashes; H("") for none.
/// Source: RFC 9162, 2.1.1.
MerkleRoot root_of(const std::vector<Digest>& leaf_hashes);

/// The roots over lists of leaf hashes that lie one after the other, so many in each. All nodes of
/// a level are hashed together.
std::vector<MerkleRoot> roots_of(std::vector<Digest> leaf_hashes, std::vector<std::size_t> counts);

/// The path from leaf `index`, which must be there, to the root. Source: RFC 9162, 2.1.3.1.
std::vector<Digest> inclusion_proof(const std::vector<Digest>& leaf_hashes, std::uint64_t index);

/// Source: RFC 9162, 2.1.3.2.
bool includes(const Digest& leaf_hash, std::uint64_t index, std::uint64_t size,
              const std::vector<Digest>& proof, const MerkleRoot& root);

/// That the tree over all leaves continues the one over the first `older`. Empty if `older` is 0
/// or all.
/// Source: RFC 9162, 2.1.4.1 and 2.1.4.2.
std::vector<Digest> consistency_proof(const std::vector<Digest>& leaf_hashes, std::uint64_t older);
bool consistent(std::uint64_t older_size, const MerkleRoot& older, std::uint64_t newer_size,
                const MerkleRoot& newer, const std::vector<Digest>& proof);

/// Leaves from `first` up to but not including `end`. In a proof they are a subtree.
struct LeafRange {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  bool operator==(const LeafRange&) const = default;
};

/// A full subtree: 2^level leaves that begin at leaf index·2^level.
struct Subtree {
  std::uint8_t level = 0;
  std::uint64_t index = 0;
  bool operator==(const Subtree&) const = default;
};

// For whoever keeps the roots of full subtrees and not the leaves: the ranges whose roots are a
// proof, in its order; the full subtrees of which a range is made, largest first (LeafRange{0, n}
// has the peaks of a tree of n leaves); and the root of a range from the roots of those.
std::vector<LeafRange> inclusion_ranges(std::uint64_t index, std::uint64_t size);
std::vector<LeafRange> consistency_ranges(std::uint64_t older, std::uint64_t newer);
std::vector<Subtree> subtrees_of(LeafRange range);
Digest join(const std::vector<Digest>& subtree_roots);

/// A tree that only grows: the roots of its full subtrees, largest first. 64 bytes for each bit
/// that is 1 in size().
class MerklePeaks {
 public:
  MerklePeaks() = default;
  /// From stored peaks; their number must be that of the 1-bits of `size`.
  MerklePeaks(std::uint64_t size, std::vector<Digest> peaks);

  /// Adds the leaf with index size(). Returns the roots of the full subtrees that it completes, by
  /// level from 0, the leaf itself: what a stored tree has to take in.
  std::vector<Digest> add(const Digest& leaf_hash);
  MerkleRoot root() const;
  std::uint64_t size() const { return size_; }
  const std::vector<Digest>& peaks() const { return peaks_; }

 private:
  std::uint64_t size_ = 0;
  std::vector<Digest> peaks_;
};

}  // namespace bmsg::chain
