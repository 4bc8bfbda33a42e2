// NewsWatch: waits at peers for what is new there, so that a node that nobody can call hears of it
// at once.

#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/api/http_transport.h"
#include "lib/core/clock.h"
#include "lib/node/node.h"

namespace bmsg::api {

/// At so many peers, each on a thread and a connection of its own.
inline constexpr std::size_t kWatchedMax = 8;

struct WatchOptions {
  TransportOptions transport;              // The expected key comes from each peer.
  std::chrono::seconds patience{50};       // Of one question.
  std::chrono::milliseconds gap{1'000};    // From one question to the next, at least,
  std::chrono::seconds news_gap_max{5};    // up to so much where each answer comes at once,
  std::chrono::seconds idle_gap_max{60};   // and so much where it tells nothing, too.
  std::chrono::seconds back_off_first{2};  // After a failure, twice that after the next.
  std::chrono::seconds back_off_max{300};
};

/// A peer and where its feed was read to; an empty cursor: not at all.
struct WatchedPeer {
  std::string url;
  std::optional<NodeKey> key;
  std::string cursor;
  BlockHash tip;
  net::Reach reach = net::Reach::anywhere;
};

/// Asks `GET feed` with a wait. A peer's failures here are not held against it: the exchanges
/// judge. Threads: watch() from one.
class NewsWatch {
 public:
  /// `on_news` is called on any of its threads, with the url of a peer that has what is not here.
  /// All that is passed must outlive it.
  NewsWatch(node::Node& node, const Clock& clock, WatchOptions options,
            std::function<void(const std::string&)> on_news);
  /// Stops and joins; questions that wait are cancelled.
  ~NewsWatch();

  /// Waits at these from now on, as far as there is room, and at no others.
  void watch(const std::vector<WatchedPeer>& peers);

 private:
  class One;
  node::Node& node_;
  const Clock& clock_;
  const WatchOptions options_;
  const std::function<void(const std::string&)> on_news_;
  std::vector<std::unique_ptr<One>> watched_;
};

}  // namespace bmsg::api
