#include "lib/api/gossip.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "lib/api/news_watch.h"
#include "lib/api/peer_places.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/net/address.h"
#include "lib/node/blob_push.h"
#include "lib/node/block_queue.h"
#include "lib/node/outbound.h"
#include "lib/node/peer_book.h"
#include "lib/node/public_node.h"

namespace bmsg::api {
namespace {

constexpr std::size_t kCallsMax = 8;

}  // namespace

bool can_be_given(const node::Peer& peer, UnixSeconds now) {
  const auto address = net::parse_address(peer.url);
  return address && !net::is_mirror(address.value()) && node::may_call(peer, now);
}

Result<Done> choose_confidant(node::Node& node, const Clock& clock) {
  BMSG_TRY_ASSIGN(const auto peers, node.callable_peers());
  std::vector<std::string> callable;
  for (const node::Peer& peer : peers) {
    if (can_be_given(peer, clock.now())) callable.push_back(peer.url);
  }
  return node.embargo().set_callable(callable);
}

class Gossip::Impl {
 public:
  Impl(node::Node& node, const chain::ChainRules& chain, const Clock& clock, Log& log,
       GossipOptions options)
      : node_(node),
        chain_(chain),
        clock_(clock),
        log_(log),
        options_(std::move(options)),
        has_own_(!node.embargo().kept().empty()),
        watch_(node, clock, {.transport = options_.transport},
               [this](const std::string& url) { wake_for(url); }),
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

  void wake() { wake_by(news_); }
  void wake_for_own() { wake_by(has_own_); }
  void poke() { wake_by(poked_); }

 private:
  using Time = std::chrono::steady_clock::time_point;
  /// An exchange that runs.
  struct Call {
    HttpTransport* transport = nullptr;  // While it is in use.
    bool again = false;                  // It is to be asked once more.
    bool is_over = false;
    std::jthread thread;
  };
  using Calls = std::map<std::string, Call>;  // By url.

  /// What was read of a peer's feed and offered of ours, and when both were read whole.
  struct Cursors {
    std::string theirs;
    std::string ours;
    BlockHash tip;
    Time since;
  };
  /// Why the thread woke up.
  struct Reasons {
    bool news = false;
    bool own = false;
    std::set<std::string> told;     // These have news.
    std::vector<std::string> owed;  // These could not be called when it was their turn.
  };

  void wake_by(bool& reason) {
    {
      const std::lock_guard lock(mutex_);
      reason = true;
    }
    woken_.notify_one();
  }

  void wake_for(const std::string& url) {
    {
      const std::lock_guard lock(mutex_);
      told_.insert(url);
    }
    woken_.notify_one();
  }

  void run(const std::stop_token& stop) {
    Time next_sync = clock_.steady();
    while (!stop.stop_requested()) {
      Reasons why = sleep(stop, next_sync);
      if (stop.stop_requested()) return;
      if (draw_confidant()) why.own = true;
      if (const auto taken = node_.take_outbox(); !taken)
        warn_unless(taken.error(), "cannot take in the outbox");
      warn_unless(node_.release_due(), "cannot tell of our messages");
      const bool is_time = options_.sync_every.count() > 0 && clock_.steady() >= next_sync;
      if (is_time) next_sync = clock_.steady() + options_.sync_every;
      if ((why.news || why.own) && options_.after_change) options_.after_change();
      ask_some(why, is_time, stop);
      if (options_.sync_every.count() > 0 && clock_.steady() >= next_feeler_) ask_feeler(stop);
    }
  }

  /// Whether another is to be given now what waits.
  bool draw_confidant() {
    const auto before = node_.embargo().confidant();
    warn_unless(choose_confidant(node_, clock_), "cannot draw a peer");
    return node_.embargo().confidant() != before && !node_.embargo().kept().empty();
  }

  void warn_unless(const Result<Done>& result, std::string_view what) {
    if (!result) log_.write(LogLevel::warning, fmt::format("{}: {}", what, result.error().message));
  }

  /// Until there is news, a poke, or time for something.
  Reasons sleep(const std::stop_token& stop, Time next_sync) {
    std::unique_lock lock(mutex_);
    Time until = clock_.steady() + options_.take_outbox_every;
    if (options_.sync_every.count() > 0) until = std::min(until, next_sync);
    if (const auto due = node_.embargo().next_due()) until = std::min(until, *due);
    const auto is_awake = [this] { return news_ || has_own_ || poked_ || !told_.empty(); };
    woken_.wait_until(lock, stop, until, is_awake);
    // News come in flocks: a little patience makes one round of them.
    if (news_ || has_own_) woken_.wait_for(lock, stop, options_.settle, [] { return false; });
    poked_ = false;
    return {.news = std::exchange(news_, false),
            .own = std::exchange(has_own_, false),
            .told = std::exchange(told_, {}),
            .owed = std::exchange(owed_, {})};
  }

  void ask_some(const Reasons& why, bool is_time, const std::stop_token& stop) {
    const auto peers = node_.callable_peers();
    if (!peers)
      return log_.write(LogLevel::warning, "cannot read the peers: " + peers.error().message);
    std::vector<node::Peer> callable = peers.value();
    std::erase_if(callable,
                  [&](const node::Peer& one) { return !node::may_call(one, clock_.now()); });
    const auto is_owed = [&](const node::Peer& one) {
      return std::ranges::find(why.owed, one.url) != why.owed.end();
    };
    // Who has waited longest comes first.
    std::vector<node::Peer> turn;
    for (const std::string& url : why.owed) {
      const auto peer = std::ranges::find(callable, url, &node::Peer::url);
      if (peer != callable.end()) turn.push_back(*peer);
    }
    for (const node::Peer& peer : callable) {
      const bool is_told = why.told.contains(peer.url);
      const bool is_confidant = why.own && node_.embargo().is_confidant(peer.url);
      const bool is_wanted = is_time || why.news || is_told || is_confidant;
      if (is_wanted && !is_owed(peer)) turn.push_back(peer);
    }
    for (const node::Peer& peer : turn) {
      if (stop.stop_requested()) return;
      call(peer, stop);
    }
    if (options_.watch) watch_.watch(watched(callable));
  }

  /// Calls somebody who was told of and never answered, to see whether it is true.
  void ask_feeler(const std::stop_token& stop) {
    next_feeler_ = clock_.steady() + node::kFeelerEvery;
    const auto feeler = node_.feeler();
    if (!feeler) return warn_unless(feeler.error(), "cannot read the peers");
    if (feeler.value() && !stop.stop_requested()) call(*feeler.value(), stop);
  }

  /// Where to wait for news. Where peers are asked by the clock, their feeds are known first.
  std::vector<WatchedPeer> watched(const std::vector<node::Peer>& peers) {
    const std::lock_guard lock(mutex_);
    std::vector<WatchedPeer> all;
    for (const node::Peer& peer : peers) {
      if (!can_be_given(peer, clock_.now())) continue;
      const auto known = cursors_.find(peer.url);
      const net::Reach reach = reach_of(peer, {}).reach;
      if (known != cursors_.end()) {
        all.push_back({peer.url, peer.key, known->second.theirs, known->second.tip, reach});
      } else if (options_.sync_every.count() == 0) {
        all.push_back({peer.url, peer.key, {}, {}, reach});
      }
    }
    return all;
  }

  /// Asks a peer on a thread of its own, so that a slow one holds nobody up. One that is being
  /// asked is asked again afterwards, and one for whom there is no room once there is.
  void call(const node::Peer& peer, const std::stop_token& stop) {
    const std::lock_guard lock(mutex_);
    std::erase_if(calls_, [](const auto& one) { return one.second.is_over; });  // Joins.
    if (const auto running = calls_.find(peer.url); running != calls_.end()) {
      running->second.again = true;
      return;
    }
    if (calls_.size() >= kCallsMax) {
      owed_.push_back(peer.url);
      return;
    }
    if (calls_.empty()) queue_ = std::make_shared<node::BlockQueue>(clock_);
    calls_[peer.url].thread = std::jthread([this, peer, queue = queue_, stop] {
      ask(peer, *queue, stop);
      end_call(peer.url);
    });
  }

  bool is_asked_again(const std::string& url) {
    const std::lock_guard lock(mutex_);
    const auto call = calls_.find(url);
    return call != calls_.end() && call->second.again;
  }

  void end_call(const std::string& url) {
    const std::lock_guard lock(mutex_);
    const auto call = calls_.find(url);
    if (call == calls_.end()) return;  // All ends.
    if (call->second.again) told_.insert(url);
    // There is room for one that is owed. Or there may be another confidant now.
    if (!owed_.empty() || node_.embargo().is_confidant(url)) poked_ = true;
    call->second.is_over = true;
    woken_.notify_one();
  }

  void ask(const node::Peer& peer, node::BlockQueue& queue, const std::stop_token& stop) {
    auto transport = HttpTransport::open(peer.url, reach_of(peer, options_.transport));
    if (!transport) return note_failure(peer, transport.error());
    set_asking(peer.url, transport.value().get());
    const Cursors known = cursors_of(peer.url);
    node::SyncOptions turn{.deadline = clock_.steady() + options_.exchange_max,
                           .stop = stop,
                           .cursor = known.theirs,
                           .own_cursor = known.ours,
                           .queue = &queue};
    prepare_trade(turn, node_, peer, clock_.now());
    node::PublicNode seen(node_, peer.url);
    node::SyncSession session(seen, *transport.value(), chain_, clock_, turn);
    auto report = node::run(session);
    // Files wait for news, and news never for files.
    const auto is_over = [&, until = clock_.steady() + options_.exchange_max] {
      return stop.stop_requested() || clock_.steady() >= until || is_asked_again(peer.url);
    };
    if (report) node::give_blobs(node_.blobs(), *transport.value(), report.value(), is_over, log_);
    set_asking(peer.url, nullptr);
    if (stop.stop_requested()) return;
    if (!report) return note_failure(peer, report.error(), session.report());
    keep_cursors(peer.url, known, report.value());
    note_success(peer, report.value(), transport.value()->peer_key());
    if (options_.after_exchange) options_.after_exchange(peer.url, report.value().peer_has);
  }

  Cursors cursors_of(const std::string& url) {
    const std::lock_guard lock(mutex_);
    const auto found = cursors_.find(url);
    const bool is_good =
        found != cursors_.end() && clock_.steady() - found->second.since < node::kCursorsTime;
    return is_good ? found->second : Cursors{{}, {}, {}, clock_.steady()};
  }

  void keep_cursors(const std::string& url, const Cursors& before, const node::SyncReport& done) {
    const std::lock_guard lock(mutex_);
    if (!cursors_.contains(url)) poked_ = true;  // From now on it can be waited at.
    cursors_[url] = {done.cursor, done.own_cursor, done.peer.tip.hash, before.since};
  }

  void note_success(const node::Peer& peer, const node::SyncReport& done,
                    const std::optional<NodeKey>& key) {
    node_.embargo().note_takes(peer.url, !done.peer.read_only && !done.peer.light);
    keep(peer, [&](node::Peer now) {
      if (!now.key) now.key = key;
      if (done.asked_records) now.records_asked = clock_.now();
      return after_exchange(std::move(now), done, clock_.now());
    });
    warn_unless(finish_trade(done, node_, peer.url), "cannot keep what it told");
    if (key && !peer.key)
      log_.write(LogLevel::warning, fmt::format("first meeting with {}: its key {} is pinned",
                                                peer.url, to_hex(key->view())));
    if (done.pulled_blocks + done.pushed_blocks + done.pulled_messages + done.pushed_messages == 0)
      return;
    log_.write(LogLevel::info, fmt::format("{}: {} blocks in, {} out, {} messages in, {} out",
                                           peer.url, done.pulled_blocks, done.pushed_blocks,
                                           done.pulled_messages, done.pushed_messages));
  }

  void note_failure(const node::Peer& peer, const Error& error, const node::SyncReport& had = {}) {
    const bool is_ours = is_our_failure(error.code);
    log_.write(is_ours ? LogLevel::warning : LogLevel::info,
               fmt::format("{}: {}", peer.url, error.message));
    if (is_ours) return;
    // Somebody else is there: the record was a lie, or is not true any more.
    if (node::is_unproven(peer) && error.code == Errc::denied)
      return warn_unless(node_.forget_unproven(peer), "cannot forget a peer");
    keep(peer, [&](node::Peer one) { return after_error(one, error, clock_.now(), had); });
  }

  /// Changes a peer as it is kept now: it may have been banned or removed while it was asked.
  void keep(const node::Peer& met, const std::function<node::Peer(node::Peer)>& changed) {
    const auto peers = node_.peers();
    if (!peers)
      return log_.write(LogLevel::warning, "cannot read the peers: " + peers.error().message);
    const auto now = std::ranges::find(peers.value(), met.url, &node::Peer::url);
    if (now == peers.value().end()) return;
    if (now->key && met.key != now->key) return;  // Of the key it has now nothing is known.
    const auto kept = node_.put_peer(changed(*now));
    if (!kept) log_.write(LogLevel::warning, "cannot remember a peer: " + kept.error().message);
  }

  void set_asking(const std::string& url, HttpTransport* transport) {
    const std::lock_guard lock(mutex_);
    if (const auto call = calls_.find(url); call != calls_.end())
      call->second.transport = transport;
  }

  node::Node& node_;
  const chain::ChainRules& chain_;
  const Clock& clock_;
  Log& log_;
  GossipOptions options_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  bool news_ = false;
  bool has_own_ = false;
  bool poked_ = true;  // The first look is at once.
  std::set<std::string> told_;
  Calls calls_;
  std::map<std::string, Cursors> cursors_;   // By url.
  std::shared_ptr<node::BlockQueue> queue_;  // Of the calls that run at once.
  std::vector<std::string> owed_;            // Could not be called yet; first come, first served.
  Time next_feeler_ = clock_.steady() + node::kFeelerEvery;
  NewsWatch watch_;
  std::jthread thread_;  // Last: it uses the others.
};

Gossip::Gossip(node::Node& node, const chain::ChainRules& chain, const Clock& clock, Log& log,
               GossipOptions options)
    : impl_(std::make_unique<Impl>(node, chain, clock, log, std::move(options))) {}

Gossip::~Gossip() = default;

void Gossip::changed() { impl_->wake(); }
void Gossip::kept_back() { impl_->wake_for_own(); }
void Gossip::poke() { impl_->poke(); }

}  // namespace bmsg::api
