#include "lib/node/peer_table.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "lib/node/peer_book.h"

namespace bmsg::node {
namespace {

constexpr std::string_view kScheme = "https://";

std::uint64_t seconds(std::chrono::seconds time) {
  return static_cast<std::uint64_t>(time.count());
}

bool is_older(UnixSeconds then, std::chrono::seconds than, UnixSeconds now) {
  return now.value > then.value && now.value - then.value > seconds(than);
}

bool is_banned(const Peer& peer, UnixSeconds now) {
  return peer.score >= kBanScore && !may_call(peer, now);
}

/// Numbers from a seed (splitmix64).
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed) {}

  std::size_t below(std::size_t count) {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = state_;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return static_cast<std::size_t>((mixed ^ mixed >> 31) % count);
  }

 private:
  std::uint64_t state_;
};

/// The peers while records are taken in, and how many of each kind there are.
class Table {
 public:
  Table(const std::vector<Peer>& peers, const LearnOptions& options)
      : options_(options), draw_(options.seed) {
    for (const Peer& peer : peers) add(peer);
    for (const Peer& peer : peers) {
      if (is_forgotten(peer, options.now)) drop(peer.url);
    }
  }

  void take(const PeerRecord& record) {
    if (record.key == options_.own) return;
    const auto network = options_.judge(record.host_port);
    if (!network) return;
    const auto known = url_of_key_.find(record.key);
    if (known != url_of_key_.end()) return renew(peers_.at(known->second), record, *network);
    // Whoever came first with this address keeps it, until it shows whose it is.
    if (peers_.contains(url_of(record)) || !has_room(*network, options_.told.by)) return;
    if (!is_good(record) || !make_room()) return;
    keep(record, {});
  }

  TableChange change() {
    TableChange made;
    made.learned = learned_now_;
    for (const std::string& url : changed_) {
      const auto at = peers_.find(url);
      if (at == peers_.end())
        made.remove.push_back(url);
      else
        made.put.push_back(at->second);
    }
    return made;
  }

 private:
  using Counts = std::map<std::string, std::size_t>;

  bool is_good(const PeerRecord& record) const {
    return bool(check_peer_record(record, options_.chain, options_.now));
  }

  std::string network_of(const Peer& peer) const {
    const bool is_web = peer.url.starts_with(kScheme);
    const auto network = is_web ? options_.judge(peer.url.substr(kScheme.size())) : std::nullopt;
    return network.value_or(peer.url);
  }

  bool has_room(const std::string& network, const std::string& teller) {
    return of_network_[network] < kLearnedOfNetworkMax && of_teller_[teller] < kLearnedOfTellerMax;
  }

  /// A newer record of a key that is known.
  void renew(const Peer& peer, const PeerRecord& record, const std::string& network) {
    const bool is_here = peer.url == url_of(record);
    const UnixSeconds before = peer.record ? peer.record->time : UnixSeconds{};
    const std::uint64_t newer = record.time.value - std::min(record.time.value, before.value);
    if (is_here) {
      if (newer < seconds(kRecordNewer) || !is_good(record)) return;
      peers_.at(peer.url).record = record;
      changed_.insert(peer.url);
    } else if (is_learned(peer) && newer > 0) {
      move(peer, record, network);
    }
  }

  /// It is elsewhere now, and unproven there; what it did wrong goes along.
  void move(const Peer& peer, const PeerRecord& record, const std::string& network) {
    if (peers_.contains(url_of(record)) || !is_good(record)) return;
    const Peer before = peer;
    drop(before.url);
    if (has_room(network, options_.told.by)) return keep(record, before);
    add(before);
  }

  /// Drops one that never answered if the table is full; false if all have.
  bool make_room() {
    if (learned_ < kLearnedMax) return true;
    std::vector<std::string> unproven;
    for (const auto& [url, peer] : peers_) {
      if (is_unproven(peer)) unproven.push_back(url);
    }
    if (unproven.empty()) return false;
    drop(unproven[draw_.below(unproven.size())]);
    return true;
  }

  void keep(const PeerRecord& record, const Peer& before) {
    Peer peer;
    peer.url = url_of(record);
    peer.key = record.key;
    peer.source = options_.told.source;
    peer.added = options_.now;
    peer.record = record;
    peer.told_by = options_.told.by;
    peer.score = before.score;
    peer.last_seen = before.last_seen;
    if (is_banned(before, options_.now)) peer.not_before = before.not_before;
    add(peer);
    changed_.insert(peer.url);
    ++learned_now_;
  }

  void add(const Peer& peer) {
    peers_[peer.url] = peer;
    if (peer.key) url_of_key_[*peer.key] = peer.url;
    if (is_learned(peer)) count(peer, 1);
  }

  void drop(const std::string& url) {
    const auto at = peers_.find(url);
    if (at == peers_.end()) return;
    if (is_learned(at->second)) count(at->second, -1);
    if (at->second.key) url_of_key_.erase(*at->second.key);
    peers_.erase(at);
    changed_.insert(url);
  }

  void count(const Peer& peer, int by) {
    const auto step = static_cast<std::size_t>(by);  // Minus one wraps, and back again.
    learned_ += step;
    of_network_[network_of(peer)] += step;
    of_teller_[peer.told_by] += step;
  }

  const LearnOptions& options_;
  Draw draw_;
  std::map<std::string, Peer> peers_;  // By url.
  std::unordered_map<NodeKey, std::string, FixedBytesHash> url_of_key_;
  Counts of_network_;
  Counts of_teller_;
  std::size_t learned_ = 0;
  std::size_t learned_now_ = 0;
  std::set<std::string> changed_;
};

}  // namespace

std::string url_of(const PeerRecord& record) {
  return std::string(kScheme).append(record.host_port);
}

bool is_forgotten(const Peer& peer, UnixSeconds now) {
  return is_learned(peer) && !is_banned(peer, now) &&
         is_older(std::max(peer.added, peer.reached), kUnprovenMax, now);
}

TableChange plan_learning(const std::vector<Peer>& peers, const std::vector<PeerRecord>& records,
                          const LearnOptions& options) {
  Table table(peers, options);
  for (const PeerRecord& record : records) table.take(record);
  return table.change();
}

std::vector<PeerRecord> records_to_give(const std::vector<Peer>& peers,
                                        const std::optional<PeerRecord>& own, UnixSeconds now) {
  const auto may_give = [&](const Peer& peer) {
    return peer.record && peer.url == url_of(*peer.record) && peer.key == peer.record->key &&
           peer.reached.value != 0 && !is_older(peer.reached, kRelayedMax, now) &&
           !is_older(peer.record->time, kPeerRecordAgeMax, now) && !is_banned(peer, now);
  };
  std::vector<const Peer*> chosen;
  for (const Peer& peer : peers) {
    if (may_give(peer)) chosen.push_back(&peer);
  }
  std::ranges::stable_sort(chosen, std::greater(), [](const Peer* peer) { return peer->reached; });
  std::vector<PeerRecord> given;
  if (own) given.push_back(*own);
  for (const Peer* peer : chosen) {
    if (given.size() < kRecordsPerAnswerMax) given.push_back(*peer->record);
  }
  return given;
}

bool may_ask_records(const Peer& peer, UnixSeconds now) {
  return peer.records_asked > now || is_older(peer.records_asked, kRecordsEvery, now);
}

}  // namespace bmsg::node
