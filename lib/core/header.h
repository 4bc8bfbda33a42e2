// A block's header and its seal, as plain values. Bytes: lib/core/codec.h.

#pragma once

#include <cstdint>
#include <vector>

#include "lib/core/ids.h"

namespace bmsg {

/// What a block's hash covers.
///
/// Shape:  256 bytes: "bmH1", height 4, time 8, bits 4, count 4, rules 32, previous 64, root 64,
///         past 64, nonce 8; integers big-endian.
/// Source: bmsg-format(5), "Header".
struct Header {
  Height height;
  UnixSeconds time;
  CompactTarget bits;       // 0 on an endorse chain.
  std::uint32_t count = 0;  // Messages in the block: the size of the tree under `root`.
  RulesTag rules;
  BlockHash previous;
  MerkleRoot root;  // Over id and nonce of each message.
  MerkleRoot past;  // Over the hashes of blocks 0 to height-1.
  std::uint64_t nonce = 0;

  bool operator==(const Header&) const = default;
};

/// One endorser's signature of a block's hash.
struct SealEntry {
  std::uint8_t index = 0;  // Of the endorser in the rules in force.
  Signature signature;

  bool operator==(const SealEntry&) const = default;
};

/// Signatures by ascending index; none on a pow chain. Outside the hash, so that they accumulate.
using Seal = std::vector<SealEntry>;

struct SealedHeader {
  Header header;
  Seal seal;

  bool operator==(const SealedHeader&) const = default;
};

}  // namespace bmsg
