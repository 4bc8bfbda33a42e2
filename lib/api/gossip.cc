#include "lib/api/gossip.h"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "lib/core/hex.h"
#include "lib/node/peer_book.h"
#include "lib/node/sync_session.h"

namespace bmsg::api {

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
    const std::lock_guard lock(mutex_);
    if (asking_ != nullptr) asking_->cancel();
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
      if (node::may_call(peer, clock_.now())) ask(peer, stop);
    }
  }

  void ask(const node::Peer& peer, const std::stop_token& stop) {
    TransportOptions reach = options_.transport;
    reach.expected_key = peer.key;
    auto transport = HttpTransport::open(peer.url, reach);
    if (!transport) return note_failure(peer, transport.error());
    set_asking(transport.value().get());
    auto report = node::sync_with(service_, *transport.value(), chain_, clock_, {.stop = stop});
    set_asking(nullptr);
    if (stop.stop_requested()) return;
    if (!report) return note_failure(peer, report.error());
    const node::SyncReport& done = report.value();
    node::Peer after = node::after_success(
        peer, clock_.now(), std::chrono::milliseconds(done.latency_ms), done.peer.tip.height);
    if (!after.key) after.key = transport.value()->peer_key();
    if (after.key && !peer.key)
      log_.write(LogLevel::warning, fmt::format("first meeting with {}: its key {} is pinned",
                                                peer.url, to_hex(after.key->view())));
    keep(after);
    if (done.pulled_blocks + done.pushed_blocks + done.pulled_messages + done.pushed_messages == 0)
      return;
    log_.write(LogLevel::info, fmt::format("{}: {} blocks in, {} out, {} messages in, {} out",
                                           peer.url, done.pulled_blocks, done.pushed_blocks,
                                           done.pulled_messages, done.pushed_messages));
  }

  void note_failure(const node::Peer& peer, const Error& error) {
    log_.write(LogLevel::info, fmt::format("{}: {}", peer.url, error.message));
    keep(node::after_failure(peer, clock_.now(), error.message));
  }

  void keep(const node::Peer& peer) {
    const auto kept = service_.put_peer(peer);
    if (!kept) log_.write(LogLevel::warning, "cannot remember a peer: " + kept.error().message);
  }

  void set_asking(HttpTransport* transport) {
    const std::lock_guard lock(mutex_);
    asking_ = transport;
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
  HttpTransport* asking_ = nullptr;
  std::jthread thread_;  // Last: it uses the others.
};

Gossip::Gossip(node::Service& service, const chain::ChainRules& chain, const Clock& clock, Log& log,
               GossipOptions options)
    : impl_(std::make_unique<Impl>(service, chain, clock, log, std::move(options))) {}

Gossip::~Gossip() = default;

void Gossip::changed() { impl_->wake(true); }

void Gossip::poke() { impl_->wake(false); }

}  // namespace bmsg::api
