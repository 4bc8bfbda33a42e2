// The builds of the search kernel, and what one is given. Only for lib/crypto and its tests.
//
// Only plain types cross into those files: an inline function of a header that they compile with
// AVX could be the copy that the linker keeps for the whole program, on a machine without AVX.

#pragma once

#include <cstdint>

namespace bmsg::crypto {

/// Where the nonce may stand in its block: after 248 bytes or after 64, the only two prefixes.
inline constexpr unsigned kNonceOfHeader = 15;
inline constexpr unsigned kNonceOfStamp = 8;

/// A search, made ready: what is the same for every nonce is computed already.
struct SearchBlock {
  std::uint64_t midstate[8];
  unsigned nonce_word;                 // kNonceOfHeader or kNonceOfStamp.
  std::uint64_t begun[8];              // The state after the rounds before the nonce.
  std::uint64_t ready[16];             // Words with their round constants, but for the nonce.
  std::uint64_t expanded[16];          // Of the next sixteen words, what the nonce does not change.
  bool padding_block;                  // Whether padding needs a block of its own,
  std::uint64_t padding_schedule[80];  // and that block's schedule, round constants added.
  std::uint64_t limit;
};

/// Finds the first nonce in the `count` from `start` on whose hash begins with a number of at most
/// `limit`; past 2^64 − 1 comes 0. True if there is one, which it writes to `nonce`.
using SearchFunction = bool(const SearchBlock& block, std::uint64_t start, std::uint64_t count,
                            std::uint64_t& nonce);

SearchFunction search_x86_64;  // Two; on every machine, whatever its kind.
SearchFunction search_v3;      // Four, with AVX2.
SearchFunction search_v4;      // Eight, with AVX-512.

/// A build of the kernel under the name that people are told.
struct SearchKernel {
  const char* name;
  SearchFunction* find;
};

/// The builds that this machine can run, fastest first. The last one runs on every machine.
struct SearchKernels {
  SearchKernel list[3];
  unsigned count;
};
SearchKernels supported_search_kernels();

}  // namespace bmsg::crypto
