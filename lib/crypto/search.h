// The search for a nonce: SHA-512 over many nonces at once. For headers and for stamps.
//
// Everything before the block that holds the nonce is hashed once (midstate). The kernel is one
// template over vectors of 64-bit words, compiled for x86-64, v3 (AVX2) and v4 (AVX-512), and
// chosen at run time; each start checks it against OpenSSL.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/core/bytes.h"
#include "lib/crypto/search_kernels.h"

namespace bmsg::crypto {

/// `prefix` hashed as far as it goes, for a kernel.
SearchBlock search_block(ByteView prefix, std::uint64_t limit);

/// What to search: a nonce, big-endian, in the last 8 bytes of `prefix`‖nonce, such that the first
/// 8 bytes of the hash, as a number, are at most `limit`.
///
/// Shape: prefix of 248 bytes, of a header, or 64, of a stamp; or so many and whole blocks of 128
///        before them.
class Search {
 public:
  Search(ByteView prefix, std::uint64_t limit);

  /// The first nonce in [start, start + count) that meets the limit; past 2^64 − 1 comes 0. Checked
  /// with OpenSSL before it is returned. Threads: any number, on ranges of their own.
  std::optional<std::uint64_t> find(std::uint64_t start, std::uint64_t count) const;

 private:
  SearchBlock block_;
  Bytes prefix_;
};

/// "avx512", "avx2" or "x86-64": which build of the kernel this machine runs.
std::string_view search_kernel_name();

}  // namespace bmsg::crypto
