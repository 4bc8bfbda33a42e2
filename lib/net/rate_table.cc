#include "lib/net/rate_table.h"

#include <algorithm>

#include "lib/core/check.h"
#include "lib/core/hex.h"

namespace bmsg::net {
namespace {

std::chrono::seconds seconds_until(RateTable::Time end, RateTable::Time now) {
  return std::max(std::chrono::ceil<std::chrono::seconds>(end - now), std::chrono::seconds(1));
}

constexpr std::size_t kV4Digits = 8;  // Of the caller in an origin.
constexpr std::size_t kV6Digits = 16;
constexpr std::size_t kManyConnections = 1 << 20;  // More than any server has.

}  // namespace

bool is_private(const Origin& origin) {
  const auto bytes = from_hex(origin.caller);
  if (!bytes || bytes->size() < 2) return false;
  const std::uint8_t a = (*bytes)[0], b = (*bytes)[1];
  if (origin.caller.size() == kV4Digits)
    return a == 10 || (a == 172 && b >= 16 && b < 32) || (a == 192 && b == 168) ||
           (a == 169 && b == 254);
  return origin.caller.size() == kV6Digits &&
         ((a & 0xfe) == 0xfc || (a == 0xfe && (b & 0xc0) == 0x80));
}

std::size_t RateLimits::connections_of(const Origin& origin) const {
  const std::size_t one = std::min(connections_per_subnet, kManyConnections);
  return is_private(origin) ? one * times_in_private : one;
}

void RateTable::Window::roll(Time now, std::chrono::seconds length) {
  if (now - start < length) return;
  start = now;
  count = 0;
}

bool RateTable::enter(const Origin& origin) {
  std::size_t& connections = subnets_[origin.subnet];
  if (connections >= limits_.connections_of(origin)) return false;
  ++connections;
  return true;
}

void RateTable::leave(const Origin& origin) {
  const auto found = subnets_.find(origin.subnet);
  check(found != subnets_.end(), "a connection leaves that never came");
  if (--found->second == 0) subnets_.erase(found);
}

void RateTable::forget_the_quiet(Time now) {
  std::erase_if(callers_, [&](const auto& entry) {
    const Caller& caller = entry.second;
    return caller.at_once == 0 && now - caller.requests.start >= limits_.request_window &&
           now - caller.bytes.start >= limits_.bytes_window;
  });
  if (callers_.size() < limits_.callers_max) return;
  // More callers at once than can be remembered: forgetting is better than shutting everyone out.
  std::erase_if(callers_, [](const auto& entry) { return entry.second.at_once == 0; });
}

RateTable::Caller& RateTable::caller(const Origin& origin, Time now) {
  if (callers_.size() >= limits_.callers_max && !callers_.contains(origin.caller)) {
    forget_the_quiet(now);
  }
  const auto [entry, is_new] = callers_.try_emplace(origin.caller);
  if (is_new) entry->second.requests.start = entry->second.bytes.start = now;
  return entry->second;
}

std::optional<std::chrono::seconds> RateTable::begin_request(const Origin& origin, Time now) {
  Caller& asking = caller(origin, now);
  asking.requests.roll(now, limits_.request_window);
  asking.bytes.roll(now, limits_.bytes_window);
  ++asking.requests.count;
  if (++asking.at_once > limits_.requests_at_once) return std::chrono::seconds(1);
  if (asking.requests.count > limits_.requests) {
    return seconds_until(asking.requests.start + limits_.request_window, now);
  }
  if (asking.bytes.count >= limits_.bytes_out) {
    return seconds_until(asking.bytes.start + limits_.bytes_window, now);
  }
  return std::nullopt;
}

void RateTable::end_request(const Origin& origin, std::uint64_t bytes_sent, Time now) {
  Caller& asked = caller(origin, now);
  check(asked.at_once > 0, "a request ends that never began");
  --asked.at_once;
  asked.bytes.roll(now, limits_.bytes_window);
  asked.bytes.count += bytes_sent;
}

}  // namespace bmsg::net
