// FakeClock: time that moves when a test says so.

#pragma once

#include "lib/core/clock.h"

namespace bmsg {

class FakeClock final : public Clock {
 public:
  explicit FakeClock(std::uint64_t seconds = 1'767'225'660) : now_{seconds} {}

  UnixSeconds now() const override { return now_; }
  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::time_point(std::chrono::seconds(now_.value));
  }
  void advance(std::uint64_t seconds) { now_.value += seconds; }
  void set(std::uint64_t seconds) { now_.value = seconds; }

 private:
  UnixSeconds now_;
};

}  // namespace bmsg
