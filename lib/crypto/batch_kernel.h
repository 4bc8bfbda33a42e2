// SHA-512 of many inputs of one size, as many at once as a word has lanes. Included once by each
// build of it; everything is local to the build.

#pragma once

#include <cstddef>
#include <cstring>

#include "lib/crypto/batch_kernels.h"
#include "lib/crypto/sha512_lanes.h"

namespace bmsg::crypto {
namespace {

inline constexpr std::size_t kBlockBytes = 128;

inline std::uint64_t load_word(const unsigned char* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return __builtin_bswap64(word);
}

/// Adds the compression of `w` to the state. Spends `w`.
template <class Word>
inline void compress(Word (&state)[8], Word (&w)[16]) {
  Word s[8];
  for (unsigned i = 0; i < 8; ++i) s[i] = state[i];
#pragma GCC unroll 16
  for (unsigned t = 0; t < 16; ++t) do_round(s, t, w[t] + kRoundConstants[t]);
  for (unsigned base = 16; base < 80; base += 16) {
#pragma GCC unroll 16
    for (unsigned t = 0; t < 16; ++t) {
      w[t] += sigma0(w[(t + 1) & 15]) + w[(t + 9) & 15] + sigma1(w[(t + 14) & 15]);
      do_round(s, t, w[t] + kRoundConstants[base + t]);
    }
  }
  for (unsigned i = 0; i < 8; ++i) state[i] += s[i];
}

/// The states of as many inputs as there are lanes, `size` bytes apart.
template <class Word>
inline void hash_lanes(const BatchShape& shape, const unsigned char* inputs, Word (&state)[8]) {
  for (unsigned i = 0; i < 8; ++i) state[i] = all<Word>(kInitialState[i]);
  Word w[16] = {};
  for (std::size_t at = 0; at < shape.whole; at += kBlockBytes) {
    for (unsigned i = 0; i < 16; ++i) {
      for (unsigned l = 0; l < kLanes<Word>; ++l)
        w[i][l] = load_word(inputs + l * shape.size + at + i * 8);
    }
    compress(state, w);
  }
  if (shape.is_padded) return;
  if (shape.size == shape.whole) return compress_ready(state, shape.padding_schedule);
  unsigned char tail[kLanes<Word>][2 * kBlockBytes] = {};
  for (unsigned l = 0; l < kLanes<Word>; ++l) {
    std::memcpy(tail[l], inputs + l * shape.size + shape.whole, shape.size - shape.whole);
    tail[l][shape.size - shape.whole] = 0x80;
  }
  for (std::size_t at = 0; at < shape.padded; at += kBlockBytes) {
    for (unsigned i = 0; i < 16; ++i) {
      for (unsigned l = 0; l < kLanes<Word>; ++l) w[i][l] = load_word(tail[l] + at + i * 8);
    }
    if (at + kBlockBytes == shape.padded) w[15] = all<Word>(shape.size * 8);
    compress(state, w);
  }
}

template <class Word>
inline void hash_batch(const BatchShape& shape, const unsigned char* inputs, std::size_t groups,
                       unsigned char* digests) {
  for (std::size_t group = 0; group < groups; ++group) {
    Word state[8];
    hash_lanes(shape, inputs + group * kLanes<Word> * shape.size, state);
    for (unsigned l = 0; l < kLanes<Word>; ++l) {
      for (unsigned i = 0; i < 8; ++i) {
        const std::uint64_t word = __builtin_bswap64(state[i][l]);
        std::memcpy(digests + (group * kLanes<Word> + l) * 64 + i * 8, &word, sizeof word);
      }
    }
  }
}

}  // namespace
}  // namespace bmsg::crypto
