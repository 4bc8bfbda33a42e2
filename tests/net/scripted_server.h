// ScriptedServer: accepts connections one after the other and answers each as it is told, right or
// wrong.

#pragma once

#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "lib/core/check.h"
#include "lib/core/descriptor.h"
#include "lib/net/address.h"
#include "lib/net/tcp_listener.h"

namespace bmsg::net {

class ScriptedServer {
 public:
  /// One connection, in the hands of the script.
  class Guest {
   public:
    explicit Guest(int socket) : socket_(socket) {}
    /// Reads until `until` occurs; what was read with it, or what there was at the end.
    std::string read_until(std::string_view until) const {
      std::string text;
      char c = 0;
      while (text.find(until) == text.npos && ::recv(socket_, &c, 1, 0) == 1) text += c;
      return text;
    }
    std::string read(std::size_t size) const {
      std::string text(size, '\0');
      const auto got = ::recv(socket_, text.data(), size, MSG_WAITALL);
      text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
      return text;
    }
    bool send(std::string_view bytes) const {
      return ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
             static_cast<ssize_t>(bytes.size());
    }
    /// Returns when the other side closes.
    void wait_for_end() const {
      char c = 0;
      while (::recv(socket_, &c, 1, 0) == 1) {
      }
    }
    int number() const { return socket_; }

   private:
    int socket_;
  };
  using Script = std::function<void(const Guest&)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)) {
    auto socket = listen_tcp({Scheme::http, "127.0.0.1", 0, {}});
    check(bool(socket), "no socket to listen at");
    socket_ = std::move(socket).value();
    port_ = port_of(socket_).value();
    ::fcntl(socket_.number(), F_SETFL, 0);
    thread_ = std::thread([this] { run(); });
  }
  ~ScriptedServer() {
    ::shutdown(socket_.number(), SHUT_RDWR);
    thread_.join();
  }

  std::uint16_t port() const { return port_; }
  Address address(Scheme scheme = Scheme::http) const { return {scheme, "127.0.0.1", port_, {}}; }
  int guests() const { return guests_; }

 private:
  void run() {
    while (true) {
      const Descriptor guest(::accept4(socket_.number(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!guest) return;
      ++guests_;
      script_(Guest(guest.number()));
    }
  }

  const Script script_;
  Descriptor socket_;
  std::uint16_t port_ = 0;
  std::atomic<int> guests_ = 0;
  std::thread thread_;
};

/// A server that reads one request and sends `answer`, again and again.
inline ScriptedServer::Script always(const std::string& answer) {
  return [answer](const ScriptedServer::Guest& guest) {
    guest.read_until("\r\n\r\n");
    (void)guest.send(answer);  // The client may have had enough.
  };
}

}  // namespace bmsg::net
