// The message schedule of one block of SHA-512 that is the same in all lanes.

#pragma once

#include <algorithm>

#include "lib/crypto/sha512_lanes.h"

namespace bmsg::crypto {
namespace {

/// Message schedule and round constants of one block, added up.
inline void fill_schedule(const std::uint64_t (&words)[16], std::uint64_t (&schedule)[80]) {
  std::copy_n(words, 16, schedule);
  for (unsigned t = 16; t < 80; ++t) {
    schedule[t] =
        schedule[t - 16] + sigma0(schedule[t - 15]) + schedule[t - 7] + sigma1(schedule[t - 2]);
  }
  for (unsigned t = 0; t < 80; ++t) schedule[t] += kRoundConstants[t];
}

}  // namespace
}  // namespace bmsg::crypto
