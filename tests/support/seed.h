// Seeded randomness for tests: another seed in each run, printed, and repeated by BMSG_SEED.

#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

#include "lib/core/bytes.h"

namespace bmsg {

/// The seed in BMSG_SEED, else a new one; says which on standard output.
inline std::uint64_t printed_seed() {
  const char* given = std::getenv("BMSG_SEED");
  const std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  std::cout << "BMSG_SEED=" << seed << std::endl;
  return seed;
}

/// Numbers from that seed.
inline std::mt19937_64 seeded_numbers() { return std::mt19937_64(printed_seed()); }

/// A number from 0 to `most`.
inline std::uint64_t number_up_to(std::mt19937_64& numbers, std::uint64_t most) {
  return std::uniform_int_distribution<std::uint64_t>(0, most)(numbers);
}

inline Bytes random_bytes(std::mt19937_64& numbers, std::size_t count) {
  Bytes bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(numbers());
  return bytes;
}

/// The same bytes with one changed, added or taken away.
inline Bytes mutated(std::mt19937_64& numbers, Bytes bytes) {
  const std::uint64_t way = number_up_to(numbers, 9);
  if (way == 0) bytes.push_back(static_cast<std::uint8_t>(numbers()));
  if (way == 1 && !bytes.empty()) bytes.pop_back();
  if (way > 1 && !bytes.empty()) {
    bytes[number_up_to(numbers, bytes.size() - 1)] ^=
        static_cast<std::uint8_t>(1 + number_up_to(numbers, 254));
  }
  return bytes;
}

}  // namespace bmsg
