#include "lib/core/clock.h"

namespace bmsg {

UnixSeconds SystemClock::now() const {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since).count();
  return UnixSeconds{seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds)};
}

std::chrono::steady_clock::time_point SystemClock::steady() const {
  return std::chrono::steady_clock::now();
}

}  // namespace bmsg
