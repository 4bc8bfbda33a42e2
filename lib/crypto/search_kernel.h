// The search kernel: SHA-512 of a block in which only the nonce changes, for as many nonces at once
// as a word has lanes. Included once by each build of it; everything is local to the build.
//
// A word is a GCC vector of 64-bit numbers, or one such number. Only the first word of the hash is
// computed. The block of padding, where there is one, never changes: its schedule comes ready.

#pragma once

#include "lib/crypto/search_kernels.h"
#include "lib/crypto/sha512_constants.h"

namespace bmsg::crypto {
namespace {

template <class Word>
inline constexpr unsigned kLanes = sizeof(Word) / sizeof(std::uint64_t);

template <class Word>
inline std::uint64_t lane(const Word& word, unsigned index) {
  if constexpr (kLanes<Word> == 1) {
    return word;
  } else {
    return word[index];
  }
}

/// `value` in every lane.
template <class Word>
inline Word all(std::uint64_t value) {
  return Word{} + value;
}

/// `value`, and one more in each next lane.
template <class Word>
inline Word ascending(std::uint64_t value) {
  Word word = all<Word>(value);
  if constexpr (kLanes < Word >> 1) {
    for (unsigned i = 0; i < kLanes<Word>; ++i) word[i] += i;
  }
  return word;
}

template <class Word>
inline Word rotated(const Word& x, int by) {
  return x >> by | x << (64 - by);
}

/// One round. The caller turns the names of the state instead of moving its words.
template <class Word>
inline void do_round(Word (&s)[8], unsigned t, const Word& scheduled) {
  const Word& a = s[-t & 7];
  const Word& b = s[(1 - t) & 7];
  const Word& c = s[(2 - t) & 7];
  Word& d = s[(3 - t) & 7];
  const Word& e = s[(4 - t) & 7];
  const Word& f = s[(5 - t) & 7];
  const Word& g = s[(6 - t) & 7];
  Word& h = s[(7 - t) & 7];
  h += (rotated(e, 14) ^ rotated(e, 18) ^ rotated(e, 41)) + ((e & f) | (~e & g)) + scheduled;
  d += h;
  h += (rotated(a, 28) ^ rotated(a, 34) ^ rotated(a, 39)) + ((a & b) | ((a | b) & c));
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
      const Word& x = w[(t + 1) & 15];
      const Word& y = w[(t + 14) & 15];
      w[t] += (rotated(x, 1) ^ rotated(x, 8) ^ x >> 7) + w[(t + 9) & 15] +
              (rotated(y, 19) ^ rotated(y, 61) ^ y >> 6);
      do_round(s, t, w[t] + kRoundConstants[base + t]);
    }
  }
  for (unsigned i = 0; i < 8; ++i) state[i] += s[i];
}

/// The same for a block whose schedule is the same in all lanes.
template <class Word>
inline void compress_ready(Word (&state)[8], const std::uint64_t (&schedule)[80]) {
  Word s[8];
  for (unsigned i = 0; i < 8; ++i) s[i] = state[i];
  for (unsigned base = 0; base < 80; base += 16) {
#pragma GCC unroll 16
    for (unsigned t = 0; t < 16; ++t) do_round(s, t, all<Word>(schedule[base + t]));
  }
  for (unsigned i = 0; i < 8; ++i) state[i] += s[i];
}

/// The first word of the hash, for the nonces in `nonce`.
template <class Word>
inline Word first_of_hash(const SearchBlock& block, const Word& nonce) {
  Word state[8];
  Word words[16];
  for (unsigned i = 0; i < 8; ++i) state[i] = all<Word>(block.midstate[i]);
  for (unsigned i = 0; i < 16; ++i) words[i] = all<Word>(block.words[i]);
  words[block.nonce_word] = nonce;
  compress(state, words);
  if (block.padding_block) compress_ready(state, block.padding_schedule);
  return state[0];
}

template <class Word>
inline bool search(const SearchBlock& block, std::uint64_t start, std::uint64_t count,
                   std::uint64_t& nonce) {
  for (std::uint64_t done = 0; done < count; done += kLanes<Word>) {
    const Word first = first_of_hash(block, ascending<Word>(start + done));
    for (unsigned i = 0; i < kLanes<Word>; ++i) {
      if (lane(first, i) > block.limit) continue;
      if (i >= count - done) return false;  // Beyond the end of the range.
      nonce = start + done + i;
      return true;
    }
  }
  return false;
}

}  // namespace
}  // namespace bmsg::crypto
