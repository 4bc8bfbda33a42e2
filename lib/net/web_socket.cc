// A channel as a WebSocket (RFC 6455). Beast reads and writes its frames; how long anything may
// take is looked at here, as everywhere in the server.

#include <utility>  // Before Asio: 1.74 uses std::exchange without it.

#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "lib/net/body_share.h"
#include "lib/net/channel.h"
#include "lib/net/http_syntax.h"
#include "lib/net/live_channel.h"
#include "lib/net/session.h"

namespace bmsg::net {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

constexpr std::chrono::seconds kPulse{60};
constexpr std::size_t kIdleRoom = 512;      // Kept by each channel for what may come.
constexpr std::size_t kRoomMax = 65536;     // Read at once.
constexpr std::size_t kFrameBytes = 65536;  // Of ours; no buffer of that size is kept.
constexpr std::string_view kGoingAway = "\x88\x02\x03\xe9";  // A close frame, code 1001.

/// What the stream below Beast's tells of.
class WireWatch {
 public:
  virtual ~WireWatch() = default;
  virtual void write_begins() = 0;
  virtual void write_ends() = 0;
  /// Beast has said farewell and waits for the other side to close.
  virtual void teardown_begins() = 0;
};

/// The socket as Beast wants it: gives what was read already before it reads more, and keeps the
/// answer to the handshake for us to write, since Beast's names Beast.
class WireStream {
 public:
  using executor_type = Wire::Socket::executor_type;

  WireStream(Wire::Socket& socket, WireWatch& watch, std::string leftover)
      : socket_(socket), watch_(watch), leftover_(std::move(leftover)) {}

  executor_type get_executor() { return socket_.get_executor(); }
  Wire::Socket& socket() { return socket_; }
  WireWatch& watch() { return watch_; }

  /// What was written so far goes to the caller, what comes from now on to the socket.
  std::string take_answer() {
    keeps_answer_ = false;
    return std::exchange(answer_, {});
  }

  template <class Buffers, class Token>
  auto async_read_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(error_code, std::size_t)>(
        [this, buffers, begun = false](auto& self, error_code error = {},
                                       std::size_t got = 0) mutable {
          if (std::exchange(begun, true)) return self.complete(error, got);
          if (leftover_.empty()) return socket_.async_read_some(buffers, std::move(self));
          const std::size_t taken = asio::buffer_copy(buffers, asio::buffer(leftover_));
          leftover_.erase(0, taken);
          if (leftover_.empty()) leftover_ = {};
          asio::post(socket_.get_executor(),
                     [taken, self = std::move(self)]() mutable { self(error_code{}, taken); });
        },
        token, socket_);
  }

  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    return asio::async_compose<Token, void(error_code, std::size_t)>(
        [this, buffers, begun = false](auto& self, error_code error = {},
                                       std::size_t put = 0) mutable {
          if (std::exchange(begun, true)) {
            watch_.write_ends();
            return self.complete(error, put);
          }
          watch_.write_begins();
          if (!keeps_answer_) return socket_.async_write_some(buffers, std::move(self));
          const std::size_t had = answer_.size();
          const std::size_t size = asio::buffer_size(buffers);
          answer_.resize(had + size);
          asio::buffer_copy(asio::buffer(answer_.data() + had, size), buffers);
          asio::post(socket_.get_executor(),
                     [size, self = std::move(self)]() mutable { self(error_code{}, size); });
        },
        token, socket_);
  }

 private:
  Wire::Socket& socket_;
  WireWatch& watch_;
  std::string leftover_;
  std::string answer_;
  bool keeps_answer_ = true;
};

/// Beast's way to end a connection of which it has had enough: FIN, then wait for the other's.
template <class Handler>
void async_teardown(beast::role_type, WireStream& stream, Handler&& handler) {
  stream.watch().teardown_begins();
  error_code ignored;  // The read says it, too.
  stream.socket().shutdown(Wire::Socket::shutdown_send, ignored);
  auto dropped = std::make_unique<std::array<char, 1024>>();
  const asio::mutable_buffer room(dropped->data(), dropped->size());
  asio::async_compose<Handler, void(error_code)>(
      [&stream, room, dropped = std::move(dropped), begun = false](
          auto& self, error_code error = {}, std::size_t = 0) mutable {
        if (std::exchange(begun, true) && error)
          return self.complete(error == asio::error::eof ? error_code{} : error);
        stream.socket().async_read_some(room, std::move(self));
      },
      handler, stream.socket());
}

/// For Beast's own timeouts, which are off.
void beast_close_socket(WireStream&) {}

class WebSocket final : public LiveChannel, private WireWatch {
 public:
  WebSocket(ServerState& state, Wire& wire, ChannelStart start)
      : LiveChannel(state, wire, std::move(start.answer)),
        key_(std::move(start.key)),
        stream_(wire.socket(), static_cast<WireWatch&>(*this), std::move(start.leftover)),
        share_(state.body_bytes) {
    stream_.set_option(websocket::stream_base::timeout{websocket::stream_base::none(),
                                                       websocket::stream_base::none(), false});
    stream_.auto_fragment(true);
    stream_.write_buffer_bytes(kFrameBytes);
    stream_.text(true);
    stream_.control_callback([this](websocket::frame_type kind, beast::string_view) {
      if (kind == websocket::frame_type::pong) awaits_pong_ = false;
    });
  }

  void say_goodbye() override {
    if (!stream_.is_open() || is_writing() || is_ending()) return;
    error_code ignored;  // Best effort: nobody waits for it.
    wire_.socket().non_blocking(true, ignored);
    (void)wire_.socket().send(asio::buffer(kGoingAway), 0, ignored);
  }

 private:
  asio::awaitable<bool> begin() override;
  asio::awaitable<bool> hear() override;
  asio::awaitable<bool> write(const std::string& text) override;
  asio::awaitable<void> end() override { return end_with(websocket::close_code::normal); }
  asio::awaitable<void> end_with(websocket::close_code code);
  asio::awaitable<void> ping(std::shared_ptr<LiveChannel> self);

  std::chrono::milliseconds pulse() const override { return kPulse; }
  void say_alive() override;
  bool is_late(Time now) const override {
    return message_since_ && now - *message_since_ >= state_.options.request_deadline;
  }

  void write_begins() override { begin_write(); }
  void write_ends() override { end_write(); }
  void teardown_begins() override { begin_end(); }

  const std::string key_;
  websocket::stream<WireStream, false> stream_;  // False: without compression.
  std::string message_;                          // As far as it has come.
  BodyShare share_;
  std::optional<Time> message_since_;
  bool awaits_pong_ = false;
};

/// The field that proves that the handshake was read.
std::string accept_field(const std::string& head) {
  constexpr std::string_view kName = "\r\nSec-WebSocket-Accept: ";
  const auto at = head.find(kName);
  if (at == head.npos) return {};
  const auto from = at + kName.size();
  return head.substr(from, head.find("\r\n", from) - from);
}

asio::awaitable<bool> WebSocket::begin() {
  http::request<http::empty_body> asked(http::verb::get, "/", 11);
  asked.set(http::field::host, "localhost");
  asked.set(http::field::upgrade, "websocket");
  asked.set(http::field::connection, "upgrade");
  asked.set(http::field::sec_websocket_key, key_);
  asked.set(http::field::sec_websocket_version, "13");
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  co_await stream_.async_accept(asked, token);
  const auto head = write_switch_head(answer(), accept_field(stream_.next_layer().take_answer()));
  if (error || !head) co_return false;
  co_return co_await write_raw(*head);
}

asio::awaitable<bool> WebSocket::hear() {
  const std::size_t had = message_.size();
  // Room for what may arrive next, never for all that is claimed.
  const std::size_t room = std::clamp(had, kIdleRoom, kRoomMax);
  if (had > 0) share_.hold(had + room);
  if (had > 0 && state_.body_bytes > state_.options.body_bytes_in_all) {
    share_.hold(0);  // Others may go on.
    message_ = {};
    co_await end_with(websocket::close_code::try_again_later);
    co_return false;
  }
  if (had == 0) stream_.read_message_max(std::max<std::size_t>(state_.options.body_bytes_max, 1));
  message_.resize(had + room);
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  const std::size_t got =
      co_await stream_.async_read_some(asio::buffer(message_.data() + had, room), token);
  message_.resize(had + got);
  if (error) co_return false;
  if (stream_.got_binary()) {
    co_await end_with(websocket::close_code::unknown_data);
    co_return false;
  }
  if (!message_since_) message_since_ = now();
  if (!stream_.is_message_done()) co_return true;
  message_since_.reset();
  share_.hold(0);
  std::string text = std::exchange(message_, {});
  if (answer().channel->text && !is_ending()) answer().channel->text(std::move(text));
  co_return true;
}

asio::awaitable<bool> WebSocket::write(const std::string& text) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  co_await stream_.async_write(asio::buffer(text), token);
  co_return !error;
}

asio::awaitable<void> WebSocket::end_with(websocket::close_code code) {
  if (is_ending()) co_return;
  begin_end();
  error_code error;  // Whoever has gone already needs no farewell.
  auto token = asio::redirect_error(asio::use_awaitable, error);
  co_await stream_.async_close(code, token);
}

void WebSocket::say_alive() {
  if (awaits_pong_) return wire_.close();
  awaits_pong_ = true;
  asio::co_spawn(state_.loop, ping(self()), end_coroutine);
}

asio::awaitable<void> WebSocket::ping(std::shared_ptr<LiveChannel>) {
  error_code error;  // The reader finds it, too.
  auto token = asio::redirect_error(asio::use_awaitable, error);
  co_await stream_.async_ping({}, token);
}

}  // namespace

std::unique_ptr<LiveChannel> make_web_socket(ServerState& state, Wire& wire, ChannelStart start) {
  return std::make_unique<WebSocket>(state, wire, std::move(start));
}

}  // namespace bmsg::net
