// The names of things: hashes, ids, keys, heights and times, each with a type of its own.

#pragma once

#include <compare>
#include <cstdint>

#include "lib/core/fixed_bytes.h"

namespace bmsg {

using Digest = FixedBytes<64, struct DigestTag>;        // SHA-512 of anything.
using ChainId = FixedBytes<64, struct ChainIdTag>;      // H(genesis text).
using BlockHash = FixedBytes<64, struct BlockHashTag>;  // H(header).
using MessageId = FixedBytes<64, struct MessageIdTag>;  // H(head).
using MerkleRoot = FixedBytes<64, struct MerkleRootTag>;
using BodyHash = FixedBytes<64, struct BodyHashTag>;
using RulesTag = FixedBytes<32, struct RulesTagTag>;  // First half of H(rules text in force).
using ChainTag = FixedBytes<8, struct ChainTagTag>;   // First 8 bytes of the chain id.
using Topic = FixedBytes<4, struct TopicTag>;         // Zero: none.
using ShortId = FixedBytes<8, struct ShortIdTag>;     // First 8 bytes of a message id.

using IdentityKey = FixedBytes<32, struct IdentityKeyTag>;  // Ed25519 public key: an address.
using NodeKey = FixedBytes<32, struct NodeKeyTag>;          // Ed25519 public key of a node.
using EndorserKey = FixedBytes<32, struct EndorserKeyTag>;  // Ed25519 public key of an endorser.
using Prekey = FixedBytes<32, struct PrekeyTag>;            // X25519 public key from a card.
using Signature = FixedBytes<64, struct SignatureTag>;

using Target = FixedBytes<32, struct TargetTag>;  // 256-bit big-endian: a hash must not exceed it.
using Work = FixedBytes<32, struct WorkTag>;      // 256-bit big-endian: expected hashes.

/// The same bytes under another name: BlockHash from a Digest, say.
template <class To, class From>
To relabel(const From& from) {
  static_assert(To::kSize == From::kSize);
  return To(from.array());
}

/// The first bytes of a longer id: ChainTag from a ChainId, ShortId from a MessageId.
template <class To, class From>
To prefix_of(const From& from) {
  static_assert(To::kSize <= From::kSize);
  return To::from(from.view().first(To::kSize));
}

/// Blocks below this one; genesis is 0.
struct Height {
  std::uint32_t value = 0;
  auto operator<=>(const Height&) const = default;
};

/// Seconds since 1970, UTC. Unsigned and 64 bits as in the header, where a stranger may write any
/// value: std::chrono's seconds are signed and would overflow.
struct UnixSeconds {
  std::uint64_t value = 0;
  auto operator<=>(const UnixSeconds&) const = default;
};

/// A target in compact form: exponent byte, then a 23-bit mantissa.
struct CompactTarget {
  std::uint32_t value = 0;
  auto operator<=>(const CompactTarget&) const = default;
};

}  // namespace bmsg
