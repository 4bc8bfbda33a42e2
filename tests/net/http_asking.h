// What tests of HTTP ask again and again.

#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <thread>

#include "lib/net/http_client.h"

namespace bmsg::net {

inline const RequestLimits kLimits{.deadline = std::chrono::seconds(10),
                                   .response_bytes_max = 1 << 20};

inline OutgoingRequest get(const std::string& target) {
  return {.method = Method::get, .target = target, .body = {}, .content_type = {}, .fields = {}};
}
inline OutgoingRequest post(const std::string& target, Bytes body) {
  return {.method = Method::post,
          .target = target,
          .body = std::move(body),
          .content_type = "application/octet-stream",
          .fields = {}};
}

inline std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + what.size())) ++found;
  return found;
}

/// Waits for something that another thread does; the limit only bounds a failure.
template <class Condition>
bool eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace bmsg::net
