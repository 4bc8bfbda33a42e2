// FakeEntropy: bytes from a seed, the same in each run.

#pragma once

#include <random>

#include "lib/core/entropy.h"

namespace bmsg {

class FakeEntropy final : public Entropy {
 public:
  explicit FakeEntropy(std::uint64_t seed = 1) : numbers_(seed) {}

  Result<Done> fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(numbers_());
    return done;
  }

 private:
  std::mt19937_64 numbers_;
};

}  // namespace bmsg
