// RawClient: a TCP client that sends any bytes at all and sees what comes back.

#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include "lib/core/check.h"
#include "lib/core/descriptor.h"
#include "lib/net/address.h"

namespace bmsg::net {

class RawClient {
 public:
  explicit RawClient(const Address& address) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(address.port);
    check(::inet_pton(AF_INET, address.host.c_str(), &to.sin_addr) == 1, "no IPv4 literal");
    socket_ = Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    is_connected_ =
        ::connect(socket_.number(), reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
  }

  /// Over a socket that is connected.
  explicit RawClient(Descriptor connected) : socket_(std::move(connected)), is_connected_(true) {}

  bool is_connected() const { return is_connected_; }
  int number() const { return socket_.number(); }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void half_close() { ::shutdown(socket_.number(), SHUT_WR); }
  void hang_up() { socket_ = Descriptor(); }

  /// Reads until `until` occurs, the other side closes, or time is up. What came is in received().
  bool read_until(std::string_view until, std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (received_.find(until) == std::string::npos) {
      if (!read_some(end)) return false;
    }
    return true;
  }

  /// Reads until the other side closes; whether it did in time.
  bool read_to_end(std::chrono::milliseconds limit) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (read_some(end)) {
    }
    return is_closed_;
  }

  /// Reads what there is by `end`, a little at least; false if nothing comes.
  bool read_more(std::chrono::steady_clock::time_point end) { return read_some(end); }

  const std::string& received() const { return received_; }
  bool is_closed() const { return is_closed_; }

 private:
  bool read_some(std::chrono::steady_clock::time_point end) {
    const auto left = std::max(std::chrono::milliseconds(0),
                               std::chrono::duration_cast<std::chrono::milliseconds>(
                                   end - std::chrono::steady_clock::now()));
    pollfd state{.fd = socket_.number(), .events = POLLIN, .revents = 0};
    if (is_closed_ || ::poll(&state, 1, static_cast<int>(left.count())) <= 0) return false;
    char bytes[65536];
    const auto got = ::recv(socket_.number(), bytes, sizeof(bytes), 0);
    if (got > 0) received_.append(bytes, static_cast<std::size_t>(got));
    if (got <= 0) is_closed_ = true;
    return got > 0;
  }

  Descriptor socket_;
  bool is_connected_ = false;
  bool is_closed_ = false;
  std::string received_;
};

}  // namespace bmsg::net
