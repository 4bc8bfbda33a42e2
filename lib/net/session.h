// Session: one connection of the server, from its first byte to its last. Internal to lib/net.

#pragma once

#include <utility>  // Before Asio: 1.74 uses std::exchange without it.

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "lib/net/http_server.h"
#include "lib/net/http_syntax.h"
#include "lib/net/live_channel.h"
#include "lib/net/wire.h"

namespace bmsg::net {

class Session;

/// What all connections of a server share. Only the server's thread touches it.
struct ServerState {
  asio::io_context& loop;
  std::shared_ptr<Door> door;  // Shared with every Respond that is still out there.
  Handler handler;
  ServerOptions options;
  const Clock& clock;
  RateTable rates;
  std::set<std::shared_ptr<Session>> sessions;  // Shared with the coroutine that runs each.
  std::size_t body_bytes = 0;                   // Being received at this moment.
  std::size_t channels = 0;
  bool is_stopping = false;
};

/// How a connection came in.
struct Arrival {
  Peer peer;
  std::shared_ptr<TlsIdentity> identity;  // Null: plain.
  bool is_limited = false;                // Caps and rates count.
};

/// The coroutine is run(); the server looks at the deadline from outside and closes what is late.
class Session : public std::enable_shared_from_this<Session> {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Session(ServerState& state, Arrival arrival);

  Wire& wire() { return wire_; }
  const Origin& origin() const { return origin_; }
  bool is_limited() const { return arrival_.is_limited; }
  bool is_idle() const { return phase_ == Phase::idle; }
  Time idle_since() const { return phase_start_; }

  /// Serves until either side has enough.
  asio::awaitable<void> run();
  /// Whether closing it now would lose nothing that somebody waits for.
  bool is_at_rest() const {
    return phase_ == Phase::greeting || phase_ == Phase::idle || phase_ == Phase::farewell ||
           phase_ == Phase::channel;
  }
  /// Whether the key that the peer has shown is still admitted.
  bool is_welcome();
  /// Closes if a deadline has passed, or if the peer has left while its answer is being made.
  void look(Time now);
  void close();
  /// To whom there is something to say before close(): that the server goes.
  void say_goodbye();

 private:
  enum class Phase { greeting, idle, request, answering, writing, farewell, channel };
  class Ticket;

  asio::awaitable<bool> greet();
  asio::awaitable<bool> shake_hands();
  void enter(Phase phase);
  Time deadline() const;
  asio::awaitable<bool> serve_one();
  asio::awaitable<bool> fill();
  asio::awaitable<bool> read_request(HttpRequest& request, std::optional<Refusal>& refusal);
  asio::awaitable<bool> read_head(RequestHead& head, std::optional<Refusal>& refusal);
  asio::awaitable<bool> read_body(Bytes& body, std::size_t size, std::optional<Refusal>& refusal);
  void ask_handler(HttpRequest request);
  asio::awaitable<void> wait_for_answer();
  asio::awaitable<bool> write(const void* bytes, std::size_t size, Follows follows);
  asio::awaitable<bool> send_file(FilePart part);
  asio::awaitable<bool> write_answer(Method method);
  void take_offer(Method method);
  void take_answer(std::uint64_t number, HttpResponse response);

  ServerState& state_;
  const Arrival arrival_;
  const Origin origin_;
  Wire wire_;
  std::string in_;  // Read and not yet used; a pipelined request waits here.
  Phase phase_ = Phase::greeting;
  Time phase_start_;
  bool keep_alive_ = true;
  bool is_closed_ = false;
  const std::shared_ptr<std::atomic<bool>> has_left_ = std::make_shared<std::atomic<bool>>(false);
  std::uint64_t number_ = 0;  // Of the request being answered.
  std::uint64_t bytes_sent_ = 0;
  std::optional<HttpResponse> answer_;
  std::variant<std::string, Refusal> handshake_ = Refusal{};  // Of this request: the key.
  std::unique_ptr<LiveChannel> channel_;                      // Once, and then to the end.
  asio::steady_timer answered_;
};

}  // namespace bmsg::net
