// Channel: our end of a connection that stays open, over which texts go whenever there are any.
//
// A handler offers one with its answer (HttpResponse::channel): the connection becomes an event
// stream or a WebSocket. Whoever reads too slowly is let go, so that it holds up nobody.

#pragma once

#include <functional>
#include <memory>
#include <string>

namespace bmsg::net {

/// Threads: any. Dropping it does not close it; the server owns the connection.
class Channel {
 public:
  virtual ~Channel() = default;

  /// Queues one text: of a WebSocket a text message, of an event stream bytes as they stand. Many
  /// channels may share one text. A text that finds nothing before it may have any length; where
  /// more would wait behind it than ServerOptions::channel_bytes_max, the channel is closed.
  virtual void send(std::shared_ptr<const std::string> text) = 0;
  /// Ends it after what was sent.
  virtual void close() = 0;
};

enum class ChannelKind { event_stream, web_socket };

/// What a handler offers with its answer, of which only `fields` are sent then. The calls come on
/// the server's thread, and must not wait. A request that does not ask rightly for a WebSocket gets
/// 400 or 426 instead, one over TLS 501, one past ServerOptions::channels_max 503, and HEAD an
/// answer without a body.
struct ChannelOffer {
  ChannelKind kind = ChannelKind::event_stream;
  /// Once, before the others; not at all if the connection ended first.
  std::function<void(std::shared_ptr<Channel>)> opened;
  /// A whole message of a WebSocket: UTF-8, at most ServerOptions::body_bytes_max, and all of it
  /// within its request_deadline.
  std::function<void(std::string)> text{};
  /// Once, if it was opened.
  std::function<void()> closed{};
};

}  // namespace bmsg::net
