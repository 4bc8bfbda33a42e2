#define OPENSSL_SUPPRESS_DEPRECATED

#include "lib/crypto/search.h"

#include <algorithm>

#include <openssl/sha.h>

#include "lib/core/big_endian.h"
#include "lib/core/check.h"
#include "lib/crypto/search_kernel.h"
#include "lib/crypto/sha512.h"
#include "lib/crypto/sha512_schedule.h"

namespace bmsg::crypto {
namespace {

constexpr std::size_t kBlockBytes = SHA512_CBLOCK;
constexpr std::size_t kWordBytes = 8;
constexpr std::uint64_t kPaddingBegin = std::uint64_t{1} << 63;

/// What the kernel need not do again for each nonce.
void fill_beginning(const std::uint64_t (&words)[16], SearchBlock& block) {
  const unsigned nonce = block.nonce_word;
  std::copy_n(block.midstate, 8, block.begun);
  for (unsigned t = 0; t < 16; ++t) block.ready[t] = words[t] + kRoundConstants[t];
  for (unsigned t = 0; t < nonce; ++t) do_round(block.begun, t, block.ready[t]);

  const Varying varying = varying_words(nonce);
  std::uint64_t same[32];  // For every nonce. Of a word that varies: that part.
  std::copy_n(words, 16, same);
  for (unsigned t = 16; t < 32; ++t) {
    const auto part = [&](unsigned back) { return varying.word[t - back] ? 0 : same[t - back]; };
    same[t] = part(16) + sigma0(part(15)) + part(7) + sigma1(part(2));
  }
  std::copy_n(same + 16, 16, block.expanded);
}

/// The state of SHA-512 after the whole blocks in `prefix`.
void fill_midstate(ByteView prefix, std::uint64_t (&midstate)[8]) {
  SHA512_CTX context;
  SHA512_Init(&context);
  SHA512_Update(&context, prefix.data(), prefix.size() / kBlockBytes * kBlockBytes);
  std::copy_n(context.h, 8, midstate);
}

Digest hash_with(ByteView prefix, std::uint64_t nonce) {
  Bytes tail;
  append_be(tail, nonce);
  return sha512({prefix, tail});
}

bool meets(ByteView prefix, std::uint64_t nonce, std::uint64_t limit) {
  return load_be<std::uint64_t>(hash_with(prefix, nonce).data()) <= limit;
}

/// Whether a build of the kernel finds just what OpenSSL's hash does, for a prefix of this size.
bool is_right(SearchFunction* find, std::size_t prefix_bytes) {
  constexpr std::uint64_t kLimit = ~std::uint64_t{0} / 8;  // Met by one nonce in eight.
  constexpr std::uint64_t kCount = 61;                     // No multiple of any number of lanes.
  Bytes prefix(prefix_bytes);
  for (std::size_t i = 0; i < prefix.size(); ++i) prefix[i] = static_cast<std::uint8_t>(7 * i);
  const SearchBlock block = search_block(prefix, kLimit);
  std::uint64_t nonce = 0;
  while (nonce < kCount) {
    std::uint64_t expected = nonce;
    while (expected < kCount && !meets(prefix, expected, kLimit)) ++expected;
    std::uint64_t found = kCount;
    const bool any = find(block, nonce, kCount - nonce, found);
    if (any != (expected < kCount) || found != expected) return false;
    nonce = expected + 1;
  }
  return true;
}

SearchKernel choose_kernel() {
  const SearchKernels kernels = supported_search_kernels();
  const auto* const end = kernels.list + kernels.count;
  const auto* const chosen = std::find_if(kernels.list, end, [](const SearchKernel& kernel) {
    return is_right(kernel.find, 64) && is_right(kernel.find, 248);
  });
  check(chosen != end, "no build of the search kernel agrees with OpenSSL");
  return *chosen;
}

const SearchKernel& kernel() {
  static const SearchKernel chosen = choose_kernel();
  return chosen;
}

}  // namespace

SearchKernels supported_search_kernels() {
  SearchKernels kernels{};
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512cd")) {
    kernels.list[kernels.count++] = {"avx512", search_v4};
  }
  if (__builtin_cpu_supports("avx2")) kernels.list[kernels.count++] = {"avx2", search_v3};
#endif
  kernels.list[kernels.count++] = {"x86-64", search_x86_64};
  return kernels;
}

SearchBlock search_block(ByteView prefix, std::uint64_t limit) {
  check(prefix.size() % kWordBytes == 0, "search prefix that is not made of words");
  SearchBlock block{};
  block.limit = limit;
  fill_midstate(prefix, block.midstate);
  const ByteView tail = prefix.subspan(prefix.size() / kBlockBytes * kBlockBytes);
  block.nonce_word = static_cast<unsigned>(tail.size() / kWordBytes);
  check(block.nonce_word == kNonceOfHeader || block.nonce_word == kNonceOfStamp,
        "a nonce that stands where no kernel looks for it");
  std::uint64_t words[16] = {};
  for (unsigned i = 0; i < block.nonce_word; ++i) {
    words[i] = load_be<std::uint64_t>(tail.data() + i * kWordBytes);
  }

  // A one, zeros, and in the last word the length in bits; after a header's nonce they need
  // another block.
  const std::uint64_t bits = (prefix.size() + kWordBytes) * 8;
  std::uint64_t padding[16] = {};
  block.padding_block = block.nonce_word == kNonceOfHeader;
  (block.padding_block ? padding[0] : words[block.nonce_word + 1]) = kPaddingBegin;
  (block.padding_block ? padding : words)[15] = bits;
  fill_schedule(padding, block.padding_schedule);
  fill_beginning(words, block);
  return block;
}

Search::Search(ByteView prefix, std::uint64_t limit)
    : block_(search_block(prefix, limit)), prefix_(to_bytes(prefix)) {}

std::optional<std::uint64_t> Search::find(std::uint64_t start, std::uint64_t count) const {
  std::uint64_t nonce = 0;
  if (!kernel().find(block_, start, count, nonce)) return std::nullopt;
  check(meets(prefix_, nonce, block_.limit), "the search kernel and OpenSSL differ");
  return nonce;
}

std::string_view search_kernel_name() { return kernel().name; }

}  // namespace bmsg::crypto
