// SOCKS5, the client's half, as bytes. No socket.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "lib/core/bytes.h"

namespace bmsg::net {

/// What is sent first: version 5, no authentication.
Bytes socks_greeting();

/// Whether the two bytes that come back accept that.
bool socks_is_accepted(ByteView answer);

/// Asks for a connection to `host`, which the proxy looks up unless it is a literal.
/// Shape:  05 01 00, then 01 and 4 bytes, 04 and 16 bytes, or 03, length and name; then the port.
/// Source: RFC 1928, section 4.
Bytes socks_connect(const std::string& host, std::uint16_t port);

/// How long the answer is whose first 5 bytes are given; nullopt if it is none.
std::optional<std::size_t> socks_answer_bytes(ByteView start);

/// Why the proxy refuses; empty if it does not. `answer` has at least 2 bytes.
std::string socks_refusal(ByteView answer);

}  // namespace bmsg::net
