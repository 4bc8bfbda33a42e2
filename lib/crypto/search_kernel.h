// The search kernel: SHA-512 of a block in which only the nonce changes, for as many nonces at once
// as a word has lanes. Included once by each build of it; everything is local to the build.
//
// Only the first word of the hash is computed. What the nonce does not change is done once for all.
// The block of padding, where there is one, never changes: its schedule comes ready.

#pragma once

#include "lib/crypto/search_kernels.h"
#include "lib/crypto/sha512_lanes.h"

namespace bmsg::crypto {
namespace {

/// Which words of the schedule depend on the nonce, where it is word `nonce` of the block.
struct Varying {
  bool word[32];
};
constexpr Varying varying_words(unsigned nonce) {
  Varying varying{};
  varying.word[nonce] = true;
  for (unsigned t = 16; t < 32; ++t) {
    const bool* word = varying.word;
    varying.word[t] = word[t - 16] || word[t - 15] || word[t - 7] || word[t - 2];
  }
  return varying;
}

/// The first two sixteens of rounds, of which those before the nonce are done already. Leaves the
/// second sixteen words in `w`.
template <class Word, unsigned kNonce>
inline void begin_rounds(const SearchBlock& block, const Word& nonce, Word (&s)[8], Word (&w)[16]) {
  constexpr Varying kVarying = varying_words(kNonce);
  do_round(s, kNonce, nonce + kRoundConstants[kNonce]);
#pragma GCC unroll 16
  for (unsigned t = kNonce + 1; t < 16; ++t) do_round(s, t, all<Word>(block.ready[t]));
#pragma GCC unroll 16
  for (unsigned i = 0; i < 16; ++i) {
    Word word = all<Word>(block.expanded[i]);
    if (i == kNonce) word += nonce;
    if (i + 1 == kNonce) word += sigma0(nonce);
    if (i == 15 && kVarying.word[16]) word += sigma0(w[0]);
    if (i + 9 == kNonce) word += nonce;
    if (i >= 7 && kVarying.word[i + 9]) word += w[i - 7];
    if (i + 14 == kNonce) word += sigma1(nonce);
    if (i >= 2 && kVarying.word[i + 14]) word += sigma1(w[i - 2]);
    w[i] = word;
    do_round(s, i, word + kRoundConstants[16 + i]);
  }
}

/// Goes on to the end of the block, and adds what the state was before it.
template <class Word>
inline void end_rounds(const SearchBlock& block, Word (&s)[8], Word (&w)[16]) {
  for (unsigned base = 32; base < 80; base += 16) {
#pragma GCC unroll 16
    for (unsigned t = 0; t < 16; ++t) {
      w[t] += sigma0(w[(t + 1) & 15]) + w[(t + 9) & 15] + sigma1(w[(t + 14) & 15]);
      do_round(s, t, w[t] + kRoundConstants[base + t]);
    }
  }
  for (unsigned i = 0; i < 8; ++i) s[i] += all<Word>(block.midstate[i]);
}

/// The first word of the hash, for the nonces in `nonce`.
template <class Word, unsigned kNonce>
inline Word first_of_hash(const SearchBlock& block, const Word& nonce) {
  Word state[8];
  Word words[16];
  for (unsigned i = 0; i < 8; ++i) state[i] = all<Word>(block.begun[i]);
  begin_rounds<Word, kNonce>(block, nonce, state, words);
  end_rounds(block, state, words);
  if (block.padding_block) compress_ready(state, block.padding_schedule);
  return state[0];
}

template <class Word, unsigned kNonce>
inline bool search_at(const SearchBlock& block, std::uint64_t start, std::uint64_t count,
                      std::uint64_t& nonce) {
  for (std::uint64_t done = 0; done < count; done += kLanes<Word>) {
    const Word first = first_of_hash<Word, kNonce>(block, ascending<Word>(start + done));
    for (unsigned i = 0; i < kLanes<Word>; ++i) {
      if (lane(first, i) > block.limit) continue;
      if (i >= count - done) return false;  // Beyond the end of the range.
      nonce = start + done + i;
      return true;
    }
  }
  return false;
}

template <class Word>
inline bool search(const SearchBlock& block, std::uint64_t start, std::uint64_t count,
                   std::uint64_t& nonce) {
  return block.nonce_word == kNonceOfHeader
             ? search_at<Word, kNonceOfHeader>(block, start, count, nonce)
             : search_at<Word, kNonceOfStamp>(block, start, count, nonce);
}

}  // namespace
}  // namespace bmsg::crypto
