// WrongClock: a clock of a world's time that is wrong by what a test says.

#pragma once

#include <cstdint>

#include "lib/core/clock.h"

namespace bmsg {

/// A clock that is set wrong: some seconds before or behind that of the world.
class WrongClock final : public Clock {
 public:
  explicit WrongClock(const Clock& world) : world_(world) {}

  UnixSeconds now() const override {
    return {static_cast<std::uint64_t>(static_cast<std::int64_t>(world_.now().value) + ahead_)};
  }
  std::chrono::steady_clock::time_point steady() const override { return world_.steady(); }
  void set_ahead(std::int64_t seconds) { ahead_ = seconds; }

 private:
  const Clock& world_;
  std::int64_t ahead_ = 0;
};

}  // namespace bmsg
