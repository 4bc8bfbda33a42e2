#include "lib/net/tcp_listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "lib/core/scarcity.h"
#include "lib/core/try.h"

namespace bmsg::net {
namespace {

constexpr int kBacklog = 1024;

/// A sockaddr of either family.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

Result<SocketAddress> parse_literal(const Address& address) {
  const std::string host = address.host == "localhost" ? "127.0.0.1" : address.host;
  SocketAddress made;
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&made.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(address.port);
    made.size = sizeof(sockaddr_in);
    return made;
  }
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&made.storage);
  if (::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    made.size = sizeof(sockaddr_in6);
    return made;
  }
  return Error{Errc::bad_input,
               fmt::format("cannot listen at {}: a number is needed, as in 127.0.0.1 or [::]",
                           to_string(address))};
}

Error failed(const Address& address, int cause) {
  const bool is_taken = cause == EADDRINUSE || cause == EADDRNOTAVAIL || cause == EACCES;
  const Errc other = code_of(cause, Errc::io);
  return Error{is_taken ? Errc::unreachable : other,
               fmt::format("cannot listen at {}: {}", to_string(address),
                           std::generic_category().message(cause))};
}

std::string text_of(const SocketAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.storage.ss_family == AF_INET) {
    const auto* const v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
  } else {
    const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
  }
  return text.data();
}

std::uint16_t port_in(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port);
  }
  return ntohs(reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_port);
}

Peer unix_peer(int socket) {
  Peer peer{.address = "unix", .is_loopback = false, .is_unix = true, .uid = {}, .key = {}};
  ucred who{};
  socklen_t size = sizeof(who);
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0) peer.uid = who.uid;
  return peer;
}

Peer tcp_peer(int socket, const SocketAddress& from) {
  const int on = 1;
  // Answers are written whole; waiting for more to send only costs time. A failure costs only that.
  (void)::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  Peer peer{.address = text_of(from), .is_loopback = false, .is_unix = false, .uid = {}, .key = {}};
  peer.is_loopback = is_loopback(peer.address);
  return peer;
}

}  // namespace

Result<Descriptor> listen_tcp(const Address& address) {
  BMSG_TRY_ASSIGN(const SocketAddress at, parse_literal(address));
  const int family = at.storage.ss_family;
  Descriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return failed(address, errno);
  const int on = 1;
  ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (family == AF_INET6) {
    ::setsockopt(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  if (::bind(socket.number(), at.generic(), at.size) != 0 ||
      ::listen(socket.number(), kBacklog) != 0) {
    return failed(address, errno);
  }
  return socket;
}

Result<Descriptor> inherit(int descriptor, Address& address) {
  SocketAddress at;
  int is_listening = 0;
  socklen_t size = sizeof(is_listening);
  if (::getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) != 0 ||
      is_listening == 0 || ::getsockname(descriptor, at.generic(), &at.size) != 0) {
    return Error{Errc::bad_input, fmt::format("descriptor {} does not listen", descriptor)};
  }
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags < 0 || ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0 ||
      ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0) {
    return Error{Errc::io, fmt::format("descriptor {} cannot be set up", descriptor)};
  }
  if (at.storage.ss_family == AF_UNIX) {
    address.path = reinterpret_cast<const sockaddr_un*>(&at.storage)->sun_path;
  } else {
    address.host = text_of(at);
    address.port = port_in(at);
  }
  return Descriptor(descriptor);
}

Result<std::uint16_t> port_of(const Descriptor& socket) {
  SocketAddress at;
  if (::getsockname(socket.number(), at.generic(), &at.size) != 0) {
    return Error{Errc::io, "a listening socket does not tell its port"};
  }
  return port_in(at);
}

std::variant<Caller, NoCaller> accept_caller(int listening) {
  while (true) {
    SocketAddress from;
    Descriptor socket(
        ::accept4(listening, from.generic(), &from.size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket) {
      const int family = from.storage.ss_family;
      const int number = socket.number();
      return Caller{std::move(socket), family,
                    family == AF_UNIX ? unix_peer(number) : tcp_peer(number, from)};
    }
    if (is_scarcity(errno)) return NoCaller::out_of_descriptors;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EBADF || errno == EINVAL) {
      return NoCaller::waiting;
    }
  }
}

}  // namespace bmsg::net
