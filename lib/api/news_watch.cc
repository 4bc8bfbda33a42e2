#include "lib/api/news_watch.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "lib/core/try.h"
#include "lib/node/proposal_sync.h"
#include "lib/node/public_node.h"

namespace bmsg::api {
namespace {

constexpr std::size_t kLookedUpMax = 1024;  // More new ids than that are news for sure.

}  // namespace

/// The thread that waits at one peer.
class NewsWatch::One {
 public:
  One(NewsWatch& all, WatchedPeer peer)
      : all_(all),
        peer_(std::move(peer)),
        seen_(all.node_, peer_.url),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  ~One() { cancel(); }  // And joins.

  void cancel() {
    thread_.request_stop();
    const std::lock_guard lock(mutex_);
    if (transport_) transport_->cancel();
  }
  const std::string& url() const { return peer_.url; }

 private:
  using Duration = std::chrono::milliseconds;

  void run(const std::stop_token& stop) {
    Duration back_off = all_.options_.back_off_first;
    Duration gap = all_.options_.gap;
    if (!open()) return;  // No url of a peer: the exchanges say so.
    while (!stop.stop_requested()) {
      const auto began = all_.clock_.steady();
      const auto changed = ask();
      if (stop.stop_requested()) return;
      if (!changed) {
        sleep(stop, back_off);
        back_off = std::min<Duration>(2 * back_off, all_.options_.back_off_max);
        continue;
      }
      back_off = all_.options_.back_off_first;
      const auto took = std::chrono::duration_cast<Duration>(all_.clock_.steady() - began);
      // A peer that answers at once, again and again, is asked less and less often.
      const Duration most =
          changed.value() ? all_.options_.news_gap_max : all_.options_.idle_gap_max;
      gap = took >= gap ? all_.options_.gap : std::min(2 * gap, std::max(gap, most));
      if (took < gap) sleep(stop, gap - took);
    }
  }

  bool open() {
    TransportOptions reach = all_.options_.transport;
    reach.expected_key = peer_.key;
    reach.reach = peer_.reach;
    auto opened = HttpTransport::open(peer_.url, reach);
    if (!opened) return false;
    const std::lock_guard lock(mutex_);
    transport_ = std::move(opened).value();
    if (thread_.get_stop_token().stop_requested()) transport_->cancel();
    return true;
  }

  /// One question; whether the answer differs from the last one.
  Result<bool> ask() {
    BMSG_TRY_ASSIGN(const auto feed, peer_.cursor.empty()
                                         ? transport_->feed("")
                                         : transport_->wait_for_feed(peer_.cursor, peer_.tip,
                                                                     all_.options_.patience));
    const bool differs = feed.cursor != peer_.cursor || feed.tip.hash != peer_.tip;
    peer_.cursor = feed.cursor;
    peer_.tip = feed.tip.hash;
    if (!differs) return false;
    BMSG_TRY_ASSIGN(const bool is_news, has_news(feed));
    if (is_news) all_.on_news_(peer_.url);
    return true;
  }

  Result<bool> has_news(const node::Feed& feed) {
    BMSG_TRY_ASSIGN(const auto tip, seen_.block(feed.tip.hash, Bodies::without));
    if (!tip) return true;
    // A light node takes no messages of others (lib/node/pool_sync.cc).
    BMSG_TRY_ASSIGN(const auto us, seen_.info());
    if (us.light) return false;
    BMSG_TRY_ASSIGN(const auto proposals, seen_.proposals());
    if (!node::lacking(proposals, feed.proposals).empty()) return true;
    if (feed.messages.size() > kLookedUpMax) return true;
    BMSG_TRY_ASSIGN(const auto here, seen_.messages(feed.messages));
    return here.size() < feed.messages.size();
  }

  void sleep(const std::stop_token& stop, Duration time) {
    std::unique_lock lock(mutex_);
    sleeping_.wait_for(lock, stop, time, [] { return false; });
  }

  NewsWatch& all_;
  WatchedPeer peer_;
  node::PublicNode seen_;
  std::mutex mutex_;
  std::condition_variable_any sleeping_;
  std::unique_ptr<HttpTransport> transport_;
  std::jthread thread_;  // Last: it uses the others.
};

NewsWatch::NewsWatch(node::Node& node, const Clock& clock, WatchOptions options,
                     std::function<void(const std::string&)> on_news)
    : node_(node), clock_(clock), options_(std::move(options)), on_news_(std::move(on_news)) {}

NewsWatch::~NewsWatch() {
  for (const auto& one : watched_) one->cancel();
}

void NewsWatch::watch(const std::vector<WatchedPeer>& peers) {
  std::vector<std::unique_ptr<One>> gone;
  std::erase_if(watched_, [&](auto& one) {
    if (std::ranges::find(peers, one->url(), &WatchedPeer::url) != peers.end()) return false;
    one->cancel();
    gone.push_back(std::move(one));
    return true;
  });
  for (const WatchedPeer& peer : peers) {
    if (watched_.size() >= kWatchedMax) return;
    const bool is_watched =
        std::ranges::any_of(watched_, [&](const auto& one) { return one->url() == peer.url; });
    if (!is_watched) watched_.push_back(std::make_unique<One>(*this, peer));
  }
}

}  // namespace bmsg::api
