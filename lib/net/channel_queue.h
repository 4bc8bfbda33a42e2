// ChannelQueue: what waits to be sent over one channel, filled from any thread. Internal to
// lib/net.

#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "lib/net/channel.h"
#include "lib/net/wire.h"

namespace bmsg::net {

/// Whose connection it is. Its calls come on the loop.
class ChannelWriter {
 public:
  virtual ~ChannelWriter() = default;

  /// Something waits: next() until it gives nothing.
  virtual void wake() = 0;
  /// The other side reads too slowly.
  virtual void cut_off() = 0;
};

/// Threads: any. Outlives the connection, and the server.
class ChannelQueue final : public Channel {
 public:
  using Text = std::shared_ptr<const std::string>;

  ChannelQueue(std::shared_ptr<Door> door, std::weak_ptr<ChannelWriter> writer,
               std::size_t bytes_max);

  void send(Text text) override;
  void close() override;

  /// The same as send() if nothing is being sent, or nothing at all.
  void send_if_idle(Text text);
  /// What to write now; the one before has been written then. Null: wake() comes again.
  Text next();
  /// Whether close() was called, and everything was taken by next() that it had to wait for.
  bool is_at_end() const;
  /// Takes nothing more, and forgets what waits.
  void shut();

 private:
  struct Waiting {
    Text text;
    std::size_t cost;
  };

  void append(Text text, std::size_t cost);
  void forget();

  const std::shared_ptr<Door> door_;
  const std::weak_ptr<ChannelWriter> writer_;
  const std::size_t bytes_max_;
  mutable std::mutex mutex_;
  std::list<Waiting> waiting_;  // Not a deque: that holds half a KiB when it is empty.
  std::size_t bytes_ = 0;       // Of `waiting_`, by cost.
  bool is_busy_ = false;        // The writer was woken and has not come to the end.
  bool takes_more_ = true;
  bool is_closing_ = false;
};

}  // namespace bmsg::net
