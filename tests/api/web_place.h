// Where the page of these tests is.

#pragma once

#include "lib/net/address.h"

namespace bmsg::api {

inline constexpr const char* kHost = "127.0.0.1:8787";
inline constexpr const char* kOrigin = "http://127.0.0.1:8787";

inline net::Address loopback(std::uint16_t port = 8787) {
  return {.scheme = net::Scheme::http, .host = "127.0.0.1", .port = port, .path = {}};
}

}  // namespace bmsg::api
