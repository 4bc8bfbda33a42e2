// TCP sockets that listen, and who called. No Asio.

#pragma once

#include <cstdint>
#include <variant>

#include "lib/core/descriptor.h"
#include "lib/core/result.h"
#include "lib/net/address.h"
#include "lib/net/http_message.h"

namespace bmsg::net {

/// Listens, without blocking, at a literal or "localhost"; port 0 takes any that is free.
/// Errors: Errc::unreachable for an address that is taken or not ours, Errc::bad_input for a name.
Result<Descriptor> listen_tcp(const Address& address);

/// Takes over a socket that listens already and corrects `address` (but not its scheme) to where
/// that is. Errors: Errc::bad_input if the descriptor is no such socket.
Result<Descriptor> inherit(int descriptor, Address& address);

/// The port that a listening socket has.
Result<std::uint16_t> port_of(const Descriptor& socket);

/// One caller who was let in.
struct Caller {
  Descriptor socket;
  int family = 0;
  Peer peer;
};

/// What accept_caller() came back with when there is nobody.
enum class NoCaller { waiting, out_of_descriptors };

/// Lets the next caller in, without blocking.
/// Errors: never ends the listening: a caller who has left already is skipped.
std::variant<Caller, NoCaller> accept_caller(int listening);

}  // namespace bmsg::net
