// Bytes both ways between a socket and two descriptors that may be pipes, terminals or files.

#pragma once

#include "lib/core/descriptor.h"
#include "lib/core/result.h"

namespace bmsg::net {

/// A pair of connected sockets.
struct SocketPair {
  Descriptor one;
  Descriptor other;
};

/// Errors: Errc::no_resource, Errc::io.
Result<SocketPair> make_socket_pair();

/// Copies `input` to `socket` and `socket` to `output` until the socket's other end has closed and
/// all of it was written. The end of `input` is passed on.
/// Errors: Errc::io if `output` cannot be written any more.
Result<Done> bridge(const Descriptor& socket, int input, int output);

}  // namespace bmsg::net
