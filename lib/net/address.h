// Where somebody listens: scheme, host, port and path, parsed and printed. No lookup, no socket.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lib/core/result.h"

namespace bmsg::net {

enum class Scheme { http, https, unix_socket, ssh };

inline constexpr std::uint16_t kSshPort = 22;

/// One place to listen or to connect to.
/// Shape: a host is an IPv4 or IPv6 literal in its one usual spelling (without brackets), or a
///        name in lower case; `path` starts with '/' or is empty, still percent-encoded, and ends
///        with '/' only if it is nothing else. For unix_socket only `path` counts: a path in the
///        file system; for ssh it is one over there, and the host may be a name of ssh's settings.
struct Address {
  Scheme scheme = Scheme::http;
  std::string host;
  std::uint16_t port = 0;
  std::string path;
  std::string user = {};  // ssh only; empty: as ssh likes.

  bool operator==(const Address&) const = default;
};

/// Parses "http://HOST:PORT[/PATH]", "http://HOST/[PATH]", the same with https, or "unix:PATH";
/// IPv6 in brackets; or "ssh://[USER@]HOST[:PORT]/DIR". Without a port it is the usual one of the
/// scheme, and the path counts even if it is only "/". Refused: neither port nor path, user names,
/// queries, fragments, "..", and numbers that some systems take for an IPv4 address ("127.1",
/// "0x7f.0.0.1"). Errors: Errc::bad_input.
Result<Address> parse_address(std::string_view text);

/// What parse_address() reads.
std::string to_string(const Address& address);

/// "HOST:PORT" with brackets where they belong.
std::string host_and_port(const Address& address);

/// The value of a Host field: without the port where a mirror has the usual one of the scheme.
std::string host_field(const Address& address);

/// Whether a file server is meant and not a node: an http or https address with a path.
/// Source: bmsg-protocol(7), "Mirror tree".
bool is_mirror(const Address& address);

/// Whether `host` is a literal of this machine (127.0.0.0/8, ::1) or "localhost".
bool is_loopback(std::string_view host);

/// Whether `host` is an IP literal that the whole internet can reach: not private, not link-local,
/// not loopback, not multicast, not reserved, and no IPv6 address with an IPv4 one in it. False for
/// names.
bool is_public(std::string_view host);

/// Whether `host` is an IPv4 or IPv6 literal.
bool is_literal(std::string_view host);

/// Whether the address may be a peer's: plain http only where nobody listens in, on this machine
/// or to an onion service.
/// Source: bmsg-protocol(7), "Peer authentication".
bool is_allowed_peer(const Address& address);

/// Who counts as one caller: an IPv4 address or an IPv6 /64, and its /24 or /48 around it.
struct Origin {
  std::string caller;
  std::string subnet;

  bool operator==(const Origin&) const = default;
};

/// The origin of an IP literal; the text itself for anything else.
Origin origin_of(std::string_view ip);

/// The network around a host, as whoever rents addresses gets them: the /16 of an IPv4 literal, the
/// /32 of an IPv6 one, the last two labels of a name; all onion services are one.
std::string network_of(std::string_view host);

}  // namespace bmsg::net
