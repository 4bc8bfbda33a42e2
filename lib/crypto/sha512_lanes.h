// SHA-512 in lanes: the same steps for as many blocks at once as a word has numbers. Everything is
// local to the file that includes this, for each is compiled for another machine.
//
// A word is a GCC vector of 64-bit numbers, or one such number.

#pragma once

#include <cstdint>

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

template <class Word>
inline Word sigma0(const Word& x) {
  return rotated(x, 1) ^ rotated(x, 8) ^ x >> 7;
}

template <class Word>
inline Word sigma1(const Word& x) {
  return rotated(x, 19) ^ rotated(x, 61) ^ x >> 6;
}

/// Adds the compression of a block whose schedule is the same in all lanes.
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

}  // namespace
}  // namespace bmsg::crypto
