// WebSocketClient: the other side of a channel, as RFC 6455 has it and as it must not be. EventHub:
// a server whose handler offers channels and notes what becomes of them.

#pragma once

#include <fmt/format.h>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/check.h"
#include "lib/net/channel.h"
#include "lib/net/http_server.h"
#include "tests/net/echo_server.h"
#include "tests/net/raw_client.h"

namespace bmsg::net {

// The example of RFC 6455, 1.3, and its answer.
inline constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
inline constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

inline const std::string kHandshake =
    "GET /socket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: " +
    std::string(kKey) + "\r\nSec-WebSocket-Version: 13\r\n\r\n";
inline const std::string kStreamRequest = "GET /stream HTTP/1.1\r\nHost: a\r\n\r\n";

enum class Opcode : unsigned char {
  more = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};
enum class Mask { yes, no };

struct Frame {
  Opcode opcode;
  std::string payload;
  bool is_last = true;
};

/// A frame of a client.
inline std::string frame_of(Opcode opcode, std::string_view payload, bool is_last = true,
                            Mask mask = Mask::yes) {
  std::string made(1, static_cast<char>((is_last ? 0x80 : 0) | static_cast<unsigned>(opcode)));
  const unsigned bit = mask == Mask::yes ? 0x80 : 0;
  const std::size_t size = payload.size();
  const std::size_t bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
  made += static_cast<char>(bit | (bytes == 0 ? size : bytes == 2 ? 126 : 127));
  for (std::size_t i = bytes; i > 0; --i) made += static_cast<char>(size >> (8 * (i - 1)));
  if (mask == Mask::no) return made.append(payload);
  constexpr std::string_view kMask = "\x11\x22\x33\x44";
  made += kMask;
  for (std::size_t i = 0; i < size; ++i) made += static_cast<char>(payload[i] ^ kMask[i % 4]);
  return made;
}

class WebSocketClient {
 public:
  explicit WebSocketClient(const Address& address, const std::string& behind_head = {})
      : raw_(address) {
    is_open_ = raw_.send(kHandshake + behind_head) && raw_.read_until("\r\n\r\n", kPatience);
    at_ = is_open_ ? raw_.received().find("\r\n\r\n") + 4 : 0;
  }

  RawClient& raw() { return raw_; }
  bool is_open() const { return is_open_ && head().starts_with("HTTP/1.1 101 "); }
  std::string head() const { return raw_.received().substr(0, at_); }

  bool send(Opcode opcode, std::string_view payload, bool is_last = true, Mask mask = Mask::yes) {
    return raw_.send(frame_of(opcode, payload, is_last, mask));
  }
  bool say(std::string_view text) { return send(Opcode::text, text); }

  /// The next frame; nullopt if none comes before the end.
  std::optional<Frame> next(std::chrono::milliseconds limit = kPatience) {
    const auto end = std::chrono::steady_clock::now() + limit;
    for (;;) {
      if (auto frame = take()) return frame;
      if (!raw_.read_more(end)) return std::nullopt;
    }
  }
  /// The next message, its fragments joined; what is not text comes as "close 1001", "ping" and so
  /// on, the end of the connection as "end".
  std::string hear(std::chrono::milliseconds limit = kPatience) {
    for (;;) {
      const auto frame = next(limit);
      if (!frame) return "end";
      if (frame->opcode == Opcode::close) return "close " + std::to_string(code_of(*frame));
      if (frame->opcode == Opcode::ping) return "ping";
      if (frame->opcode == Opcode::pong) return "pong " + frame->payload;
      text_ += frame->payload;
      if (frame->is_last) return std::exchange(text_, {});
    }
  }

  static constexpr std::chrono::seconds kPatience{10};

 private:
  static int code_of(const Frame& frame) {
    if (frame.payload.size() < 2) return 0;
    return static_cast<unsigned char>(frame.payload[0]) * 256 +
           static_cast<unsigned char>(frame.payload[1]);
  }

  std::optional<Frame> take() {
    const std::string_view rest = std::string_view(raw_.received()).substr(at_);
    if (rest.size() < 2) return std::nullopt;
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
    check((byte(1) & 0x80) == 0, "a server masks nothing");
    std::size_t size = byte(1);
    const std::size_t more = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (rest.size() < 2 + more) return std::nullopt;
    if (more > 0) size = 0;
    for (std::size_t i = 0; i < more; ++i) size = size * 256 + byte(2 + i);
    if (rest.size() < 2 + more + size) return std::nullopt;
    at_ += 2 + more + size;
    return Frame{static_cast<Opcode>(byte(0) & 0x0f), std::string(rest.substr(2 + more, size)),
                 (byte(0) & 0x80) != 0};
  }

  RawClient raw_;
  bool is_open_ = false;
  std::string text_;    // Of a message that has not ended; control frames may come between.
  std::size_t at_ = 0;  // Up to where received() was taken.
};

/// Paths: /stream offers an event stream, /socket a WebSocket, whose texts go back as they are, but
/// "close" closes it; /plain answers with a word. Each channel has a number, in order of opening.
class EventHub {
 public:
  explicit EventHub(const ServerOptions& options = {.tick = std::chrono::milliseconds(10)},
                    const std::vector<Listener>& listeners = {on_loopback()},
                    const Clock* clock = nullptr) {
    auto started = HttpServer::start(
        listeners, [this](HttpRequest request, Respond respond) { handle(request, respond); },
        options, clock ? *clock : clock_);
    check(bool(started), "the server does not start");
    server_ = std::move(started).value();
  }

  HttpServer& server() { return *server_; }
  Address address(std::size_t i = 0) const { return server_->bound_addresses()[i]; }
  std::size_t opened() const {
    const std::lock_guard lock(mutex_);
    return channels_.size();
  }
  std::size_t closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  std::vector<std::string> texts() const {
    const std::lock_guard lock(mutex_);
    return texts_;
  }
  std::shared_ptr<Channel> channel(std::size_t i) const {
    const std::lock_guard lock(mutex_);
    return channels_.at(i);
  }
  void send(std::size_t i, std::string text) {
    channel(i)->send(std::make_shared<const std::string>(std::move(text)));
  }

 private:
  void handle(const HttpRequest& request, const Respond& respond) {
    if (request.path == "/plain") return respond(text_response(200, "plain"));
    auto offer = std::make_shared<ChannelOffer>();
    offer->kind = request.path == "/socket" ? ChannelKind::web_socket : ChannelKind::event_stream;
    const auto mine = std::make_shared<std::shared_ptr<Channel>>();
    offer->opened = [this, mine](std::shared_ptr<Channel> channel) {
      *mine = channel;
      const std::lock_guard lock(mutex_);
      channels_.push_back(std::move(channel));
    };
    offer->text = [this, mine](std::string text) {
      if (text == "close") (*mine)->close();
      (*mine)->send(std::make_shared<const std::string>(text));
      const std::lock_guard lock(mutex_);
      texts_.push_back(std::move(text));
    };
    offer->closed = [this] {
      const std::lock_guard lock(mutex_);
      ++closed_;
    };
    HttpResponse answer = text_response(200, "no channel", "text/plain");
    answer.fields.push_back({"X-Ours", "kept"});
    answer.channel = offer;
    respond(std::move(answer));
  }

  SystemClock clock_;
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Channel>> channels_;
  std::vector<std::string> texts_;
  std::size_t closed_ = 0;
  std::unique_ptr<HttpServer> server_;  // Last: its thread uses the members above.
};

}  // namespace bmsg::net
