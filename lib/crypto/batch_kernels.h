// The builds of the batch kernel. Only for lib/crypto and its tests; plain types, as in
// search_kernels.h.

#pragma once

#include <cstddef>
#include <cstdint>

namespace bmsg::crypto {

/// Inputs of one size, and what follows from it.
struct BatchShape {
  std::size_t size;    // Bytes of each input.
  std::size_t whole;   // Of those, in whole blocks.
  std::size_t padded;  // Bytes of the blocks that hold the rest and the padding.
  bool is_padded;      // The inputs are whole blocks and have their padding.
  std::uint64_t
      padding_schedule[80];  // Of the padding, round constants added, if there is no rest.
};

/// Hashes groups * lanes inputs, which lie one after the other, to 64 bytes each.
using BatchFunction = void(const BatchShape& shape, const unsigned char* inputs, std::size_t groups,
                           unsigned char* digests);

BatchFunction batch_x86_64;  // Two lanes; on every machine, whatever its kind.
BatchFunction batch_v3;      // Four, with AVX2.
BatchFunction batch_v4;      // Eight, with AVX-512.

}  // namespace bmsg::crypto
