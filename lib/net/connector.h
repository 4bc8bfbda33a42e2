// Connector: from an address to an open, judged connection. Internal to lib/net: it includes Asio.

#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <string>

#include "lib/net/http_client.h"
#include "lib/net/resolver.h"
#include "lib/net/ssh_pipe.h"
#include "lib/net/wire.h"

namespace bmsg::net {

/// Threads: the loop's.
class Connector {
 public:
  Connector(asio::io_context& loop, Address address, ClientOptions options);
  ~Connector();

  /// Opens a connection in `wire`, which must be new: look up, connect, proxy, TLS, key. Sets
  /// `failure` if it does not come to that.
  asio::awaitable<void> open(Wire& wire, std::optional<Error>& failure);

  /// Makes an open() that runs give up; the wire itself is closed by its owner.
  void interrupt();

  const Address& address() const { return address_; }
  /// Our node key, if we show one where we are asked for it.
  std::optional<NodeKey> own_key() const {
    return options_.identity ? options_.identity->key() : std::nullopt;
  }
  const std::shared_ptr<Door>& door() const { return door_; }
  /// What open() has got to, for a message about lost time.
  const std::string& stage() const { return stage_; }

 private:
  void open_ssh(Wire& wire, std::optional<Error>& failure);
  asio::awaitable<void> connect(Wire& wire, const std::string& host, std::uint16_t port,
                                std::optional<Error>& failure);
  asio::awaitable<void> try_place(Wire& wire, const Place& place, std::chrono::milliseconds limit,
                                  error_code& error);
  asio::awaitable<void> ask_proxy(Wire& wire, std::optional<Error>& failure);
  asio::awaitable<bool> exchange(Wire& wire, const Bytes& question, Bytes& answer);
  asio::awaitable<bool> read_exactly(Wire& wire, Bytes& into, std::size_t size);
  asio::awaitable<void> secure(Wire& wire, std::optional<Error>& failure);
  std::optional<Error> judge_key(const std::optional<NodeKey>& key) const;
  Error failed(Errc code, const std::string& cause) const;

  asio::io_context& loop_;
  const Address address_;
  const ClientOptions options_;
  const std::shared_ptr<Door> door_;  // Shared with lookups that nobody waits for any more.
  std::shared_ptr<asio::steady_timer> lookup_;
  std::unique_ptr<SshProcess> ssh_;
  std::string stage_;
  bool is_interrupted_ = false;
};

}  // namespace bmsg::net
