// How much each caller has asked for lately. Pure: the caller reads the clock. No socket.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "lib/net/address.h"

namespace bmsg::net {

/// Whether an origin lies in a private network (RFC 1918, fc00::/7, link-local), whose addresses
/// nobody rents by the thousand.
bool is_private(const Origin& origin);

/// What one caller, or one subnet, may do.
/// Source: bmsg-protocol(7), "Limits".
struct RateLimits {
  std::size_t connections_per_subnet = 4;  // At once, idle ones included,
  std::size_t times_in_private = 16;       // and so many times that in a private network.
  std::size_t requests_at_once = 8;
  std::size_t requests = 100;  // In one `request_window`.
  std::chrono::seconds request_window{10};
  std::uint64_t bytes_out = std::uint64_t{64} << 20;  // In one `bytes_window`.
  std::chrono::seconds bytes_window{60};
  std::size_t callers_max = 65536;  // Remembered at once; the table stays below 16 MiB.

  /// How many connections the subnet of an origin may hold.
  std::size_t connections_of(const Origin& origin) const;
};

/// Counts by origin. Who is exempt (loopback, unix sockets) is not asked about here.
/// Threads: one.
class RateTable {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit RateTable(const RateLimits& limits) : limits_(limits) {}

  /// What was counted so far stays counted.
  void set_limits(const RateLimits& limits) { limits_ = limits; }

  /// Counts a connection in; false, and nothing counted, if the subnet holds its share already.
  bool enter(const Origin& origin);
  void leave(const Origin& origin);

  /// Counts a request in. If it must not be answered: in how many seconds to ask again (at least
  /// 1). A refused request counts too, and ends with end_request() as every other.
  std::optional<std::chrono::seconds> begin_request(const Origin& origin, Time now);
  void end_request(const Origin& origin, std::uint64_t bytes_sent, Time now);

  std::size_t callers() const { return callers_.size(); }

 private:
  /// A count that starts anew when its window has passed.
  struct Window {
    Time start{};
    std::uint64_t count = 0;

    void roll(Time now, std::chrono::seconds length);
  };
  struct Caller {
    std::size_t at_once = 0;
    Window requests;
    Window bytes;
  };

  Caller& caller(const Origin& origin, Time now);
  void forget_the_quiet(Time now);

  RateLimits limits_;
  std::map<std::string, std::size_t> subnets_;
  std::map<std::string, Caller> callers_;
};

}  // namespace bmsg::net
