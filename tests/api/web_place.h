// Where the page of these tests is, and its door.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "lib/api/web_door.h"
#include "lib/net/address.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_entropy.h"

namespace bmsg::api {

inline constexpr const char* kHost = "127.0.0.1:8787";
inline constexpr const char* kOrigin = "http://127.0.0.1:8787";

inline net::Address loopback(std::uint16_t port = 8787) {
  return {.scheme = net::Scheme::http, .host = "127.0.0.1", .port = port, .path = {}};
}

/// A door of that place, and what requests are told there.
class DoorTest : public ::testing::Test {
 protected:
  static void unset(net::HttpRequest& request, const std::string& name) {
    std::erase_if(request.fields, [&](const auto& field) { return field.name == name; });
  }
  static void set(net::HttpRequest& request, const std::string& name, const std::string& value) {
    unset(request, name);
    request.fields.push_back({name, value});
  }

  static int status(WebDoor& at, const net::HttpRequest& request, WebArea area) {
    const auto refused = at.judge(request, area);
    return refused ? refused->status : 200;
  }
  int status(const net::HttpRequest& request, WebArea area) { return status(door, request, area); }

  FakeClock clock;
  FakeEntropy entropy;
  WebDoor door{door_options_for(loopback()), entropy, clock};
};

}  // namespace bmsg::api
