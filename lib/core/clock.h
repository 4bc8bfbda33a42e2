// The one way to ask for the time.

#pragma once

#include <chrono>

#include "lib/core/ids.h"

namespace bmsg {

/// What time it is. Passed in wherever time matters, so that tests can move it.
/// Threads: any.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Wall time: what stands in blocks and messages. May jump.
  virtual UnixSeconds now() const = 0;

  /// Time since some start: what deadlines are measured with. Never goes back.
  virtual std::chrono::steady_clock::time_point steady() const = 0;
};

/// The system's clock.
class SystemClock final : public Clock {
 public:
  UnixSeconds now() const override;
  std::chrono::steady_clock::time_point steady() const override;
};

}  // namespace bmsg
