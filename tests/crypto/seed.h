// The seed of a randomised test: from BMSG_SEED, else a fixed one. Shown when the test fails.

#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace bmsg {

inline std::uint64_t test_seed() {
  const char* const given = std::getenv("BMSG_SEED");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 1;
}

inline std::string seed_note() { return "BMSG_SEED=" + std::to_string(test_seed()); }

}  // namespace bmsg
