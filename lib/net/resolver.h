// Names to socket addresses, without waiting longer than the caller. Internal to lib/net: it
// includes Asio.

#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <string>
#include <vector>

#include "lib/net/wire.h"

namespace bmsg::net {

using Endpoint = asio::generic::stream_protocol::endpoint;

/// A place to connect to, and its literal for messages.
struct Place {
  Endpoint endpoint;
  std::string literal;
};

/// What came out of a lookup.
struct Lookup {
  std::vector<Place> places;
  std::string failure;     // The system's reason, if there are none.
  bool is_scarce = false;  // It is that of a system which gives no thread, descriptor or memory.
};

/// Looks `host` up; literals at once, names on a thread of their own. The system's resolver cannot
/// be interrupted: whoever stops waiting (by cancelling `waiting`) leaves that thread behind, and
/// what it finds is dropped.
asio::awaitable<void> look_up(const std::string& host, std::uint16_t port,
                              std::shared_ptr<Door> door,
                              std::shared_ptr<asio::steady_timer> waiting, Lookup& result);

}  // namespace bmsg::net
