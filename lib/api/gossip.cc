#include "lib/api/gossip.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "lib/core/hex.h"
#include "lib/net/address.h"
#include "lib/node/block_queue.h"
#include "lib/node/peer_book.h"
#include "lib/node/sync_session.h"

namespace bmsg::api {
namespace {

std::optional<node::Misdeed> misdeed_of(Errc code) {
  if (code == Errc::bad_input) return node::Misdeed::broken_rule;
  if (code == Errc::protocol || code == Errc::bad_config) return node::Misdeed::false_claim;
  return std::nullopt;
}

constexpr std::size_t kCallsMax = 8;

/// On this machine a proxy may stand for many: limited, never banned.
bool is_local(const std::string& url) {
  const auto address = net::parse_address(url);
  return !address || address.value().scheme == net::Scheme::unix_socket ||
         address.value().scheme == net::Scheme::ssh || net::is_loopback(address.value().host);
}

}  // namespace

bool is_our_failure(Errc code) {
  return code == Errc::io || code == Errc::corrupt || code == Errc::locked ||
         code == Errc::no_resource;
}

node::Peer after_error(node::Peer peer, const Error& error, UnixSeconds now) {
  const auto misdeed = misdeed_of(error.code);
  if (misdeed && !is_local(peer.url)) peer = node::penalise(std::move(peer), *misdeed, now);
  return node::after_failure(std::move(peer), now, error.message);
}

class Gossip::Impl {
 public:
  Impl(node::Service& service, const chain::ChainRules& chain, const Clock& clock, Log& log,
       GossipOptions options)
      : service_(service),
        chain_(chain),
        clock_(clock),
        log_(log),
        options_(std::move(options)),
        thread_([this](const std::stop_token& stop) { run(stop); }) {}

  ~Impl() {
    thread_.request_stop();
    woken_.notify_all();
    thread_.join();  // Nobody is called from here on.
    Calls calls;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [url, call] : calls_) {
        if (call.transport != nullptr) call.transport->cancel();
      }
      calls.swap(calls_);
    }
  }

  void wake(bool news) {
    {
      const std::lock_guard lock(mutex_);
      (news ? news_ : poked_) = true;
    }
    woken_.notify_one();
  }

 private:
  using Time = std::chrono::steady_clock::time_point;
  /// An exchange that runs.
  struct Call {
    HttpTransport* transport = nullptr;  // While it is in use.
    bool again = false;
    bool is_over = false;
    std::jthread thread;
  };
  using Calls = std::map<std::string, Call>;  // By url.

  void run(const std::stop_token& stop) {
    Time next_sync = clock_.steady();
    while (!stop.stop_requested()) {
      const bool has_news = sleep(stop, next_sync);
      if (stop.stop_requested()) return;
      if (auto taken = service_.take_outbox(); !taken)
        log_.write(LogLevel::warning, "cannot take in the outbox: " + taken.error().message);
      const bool is_time = options_.sync_every.count() > 0 && clock_.steady() >= next_sync;
      if (is_time) next_sync = clock_.steady() + options_.sync_every;
      if (has_news && options_.after_change) options_.after_change();
      if (is_time || has_news) ask_all(stop);
    }
  }

  /// Until there is news, a poke, or time for the next round; true for news.
  bool sleep(const std::stop_token& stop, Time next_sync) {
    std::unique_lock lock(mutex_);
    Time until = clock_.steady() + options_.take_outbox_every;
    if (options_.sync_every.count() > 0) until = std::min(until, next_sync);
    woken_.wait_until(lock, stop, until, [this] { return news_ || poked_; });
    const bool had_news = news_;
    // News come in flocks: a little patience makes one round of them.
    if (news_) woken_.wait_for(lock, stop, options_.settle, [] { return false; });
    news_ = false;
    poked_ = false;
    return had_news;
  }

  void ask_all(const std::stop_token& stop) {
    const auto peers = service_.peers();
    if (!peers)
      return log_.write(LogLevel::warning, "cannot read the peers: " + peers.error().message);
    for (const node::Peer& peer : peers.value()) {
      if (stop.stop_requested()) return;
      if (node::may_call(peer, clock_.now())) call(peer, stop);
    }
  }

  /// Asks a peer on a thread of its own, so that a slow one holds nobody up. One that is being
  /// asked is asked again afterwards.
  void call(const node::Peer& peer, const std::stop_token& stop) {
    const std::lock_guard lock(mutex_);
    std::erase_if(calls_, [](const auto& one) { return one.second.is_over; });  // Joins.
    if (const auto running = calls_.find(peer.url); running != calls_.end()) {
      running->second.again = true;
      return;
    }
    if (calls_.size() >= kCallsMax) {
      is_owed_ = true;
      return;
    }
    if (calls_.empty()) queue_ = std::make_shared<node::BlockQueue>(clock_);
    calls_[peer.url].thread = std::jthread([this, peer, queue = queue_, stop] {
      ask(peer, *queue, stop);
      end_call(peer.url);
    });
  }

  void end_call(const std::string& url) {
    const std::lock_guard lock(mutex_);
    const auto call = calls_.find(url);
    if (call == calls_.end()) return;  // All ends.
    if (call->second.again || is_owed_) news_ = true;
    is_owed_ = false;
    call->second.is_over = true;
    woken_.notify_one();
  }

  void ask(const node::Peer& peer, node::BlockQueue& queue, const std::stop_token& stop) {
    TransportOptions reach = options_.transport;
    reach.expected_key = peer.key;
    auto transport = HttpTransport::open(peer.url, reach);
    if (!transport) return note_failure(peer, transport.error());
    set_asking(peer.url, transport.value().get());
    const node::SyncOptions turn{
        .deadline = clock_.steady() + options_.exchange_max, .stop = stop, .queue = &queue};
    auto report = node::sync_with(service_, *transport.value(), chain_, clock_, turn);
    set_asking(peer.url, nullptr);
    if (stop.stop_requested()) return;
    if (!report) return note_failure(peer, report.error());
    note_success(peer, report.value(), transport.value()->peer_key());
    if (options_.after_exchange) options_.after_exchange(peer.url, report.value().peer_has);
  }

  void note_success(const node::Peer& peer, const node::SyncReport& done,
                    const std::optional<NodeKey>& key) {
    keep(peer.url, [&](node::Peer now) {
      if (!now.key) now.key = key;
      return node::after_success(
          std::move(now), clock_.now(),
          {std::chrono::milliseconds(done.latency_ms), done.peer.tip.height, done.clock_ahead});
    });
    if (key && !peer.key)
      log_.write(LogLevel::warning, fmt::format("first meeting with {}: its key {} is pinned",
                                                peer.url, to_hex(key->view())));
    if (done.pulled_blocks + done.pushed_blocks + done.pulled_messages + done.pushed_messages == 0)
      return;
    log_.write(LogLevel::info, fmt::format("{}: {} blocks in, {} out, {} messages in, {} out",
                                           peer.url, done.pulled_blocks, done.pushed_blocks,
                                           done.pulled_messages, done.pushed_messages));
  }

  void note_failure(const node::Peer& peer, const Error& error) {
    const bool is_ours = is_our_failure(error.code);
    log_.write(is_ours ? LogLevel::warning : LogLevel::info,
               fmt::format("{}: {}", peer.url, error.message));
    if (is_ours) return;
    keep(peer.url,
         [&](node::Peer now) { return after_error(std::move(now), error, clock_.now()); });
  }

  /// Changes a peer as it is kept now: it may have been banned or removed while it was asked.
  void keep(const std::string& url, const std::function<node::Peer(node::Peer)>& changed) {
    const auto peers = service_.peers();
    if (!peers)
      return log_.write(LogLevel::warning, "cannot read the peers: " + peers.error().message);
    const auto now = std::ranges::find(peers.value(), url, &node::Peer::url);
    if (now == peers.value().end()) return;
    const auto kept = service_.put_peer(changed(*now));
    if (!kept) log_.write(LogLevel::warning, "cannot remember a peer: " + kept.error().message);
  }

  void set_asking(const std::string& url, HttpTransport* transport) {
    const std::lock_guard lock(mutex_);
    if (const auto call = calls_.find(url); call != calls_.end())
      call->second.transport = transport;
  }

  node::Service& service_;
  const chain::ChainRules& chain_;
  const Clock& clock_;
  Log& log_;
  GossipOptions options_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  bool news_ = false;
  bool poked_ = false;
  Calls calls_;
  std::shared_ptr<node::BlockQueue> queue_;  // Of the calls that run at once.
  bool is_owed_ = false;                     // Somebody could not be called yet.
  std::jthread thread_;                      // Last: it uses the others.
};

Gossip::Gossip(node::Service& service, const chain::ChainRules& chain, const Clock& clock, Log& log,
               GossipOptions options)
    : impl_(std::make_unique<Impl>(service, chain, clock, log, std::move(options))) {}

Gossip::~Gossip() = default;

void Gossip::changed() { impl_->wake(true); }

void Gossip::poke() { impl_->wake(false); }

}  // namespace bmsg::api
