// Entropy: where unguessable bytes come from. The real one is in lib/crypto/random.h.

#pragma once

#include <cstdint>
#include <span>

#include "lib/core/result.h"

namespace bmsg {

/// A source of random bytes, passed in so that a simulation can repeat itself.
/// Threads: any.
class Entropy {
 public:
  virtual ~Entropy() = default;

  /// Fills `out` whole, or fails with Errc::no_resource; never in part, never weakly.
  virtual Result<Done> fill(std::span<std::uint8_t> out) = 0;
};

}  // namespace bmsg
