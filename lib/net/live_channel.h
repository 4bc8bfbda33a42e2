// LiveChannel: a connection of the server that has become a channel, as its session runs it.
// Internal to lib/net.

#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "lib/net/channel_queue.h"
#include "lib/net/http_message.h"
#include "lib/net/wire.h"

namespace bmsg::net {

struct ServerState;

/// How a channel begins.
struct ChannelStart {
  HttpResponse answer;   // With the offer.
  std::string leftover;  // Read behind the request.
  std::string key;       // Of a WebSocket's handshake.
};

/// Lives as long as its session, whose shared pointer is its own (aliased). Like it, it is looked
/// at from outside and closes what is late.
class LiveChannel : public ChannelWriter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  LiveChannel(ServerState& state, Wire& wire, HttpResponse answer);
  LiveChannel(const LiveChannel&) = delete;
  LiveChannel& operator=(const LiveChannel&) = delete;
  ~LiveChannel() override;

  /// Serves until either side has enough. `self` is this.
  asio::awaitable<void> run(std::shared_ptr<LiveChannel> self);
  /// Closes if a deadline has passed; says now and then that it is still there.
  void look(Time now);
  /// Says that the server goes, if that can be said without waiting.
  virtual void say_goodbye() = 0;

  void wake() override;
  void cut_off() override;

 protected:
  /// Answers the request; whether that went well.
  virtual asio::awaitable<bool> begin() = 0;
  /// Reads for a while; whether to go on.
  virtual asio::awaitable<bool> hear() = 0;
  virtual asio::awaitable<bool> write(const std::string& text) = 0;
  /// Says farewell and lets the other side find it.
  virtual asio::awaitable<void> end() = 0;
  /// How often to say that we are there, and to say it.
  virtual std::chrono::milliseconds pulse() const = 0;
  virtual void say_alive() = 0;
  /// Whether the other side has been late with something.
  virtual bool is_late(Time) const { return false; }

  const HttpResponse& answer() const { return answer_; }
  std::shared_ptr<LiveChannel> self() const { return self_.lock(); }
  ChannelQueue& queue() { return *queue_; }
  Time now() const;
  /// All bytes to the socket, past everything above it.
  asio::awaitable<bool> write_raw(std::string_view bytes);
  void begin_write() { writing_since_ = now(); }
  void end_write() { writing_since_.reset(); }
  bool is_writing() const { return writing_since_.has_value(); }
  void begin_end();
  bool is_ending() const { return ending_since_.has_value(); }

  ServerState& state_;
  Wire& wire_;

 private:
  asio::awaitable<void> write_waiting(std::shared_ptr<LiveChannel> self);

  HttpResponse answer_;
  std::weak_ptr<LiveChannel> self_;
  std::shared_ptr<ChannelQueue> queue_;
  bool is_open_ = false;
  Time pulse_at_;
  std::optional<Time> writing_since_;  // Or since there was some progress.
  std::optional<Time> ending_since_;
};

std::unique_ptr<LiveChannel> make_event_stream(ServerState& state, Wire& wire, ChannelStart start);
/// `wire` is plain.
std::unique_ptr<LiveChannel> make_web_socket(ServerState& state, Wire& wire, ChannelStart start);

}  // namespace bmsg::net
