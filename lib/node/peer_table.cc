#include "lib/node/peer_table.h"

#include <algorithm>
#include <array>
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
    if (peers_.contains(url_of(record))) return;
    const Part part{*network, options_.told.by, is_name(record.host_port)};
    const auto leave = who_leaves(part);
    if (!leave || !is_good(record)) return;
    for (const std::string& url : *leave) drop(url);
    keep(record, {});
  }

  TableChange change() {
    TableChange made;
    made.learned = new_.size();
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
  /// Where one more is to be counted.
  struct Part {
    std::string network;
    std::string teller;
    bool is_named = false;
  };
  /// A part that is limited, and who is in it.
  struct Limit {
    bool has_room = false;
    std::function<bool(const Peer&)> has;
  };

  static bool is_named(const Peer& peer) {
    return peer.url.starts_with(kScheme) && is_name(peer.url.substr(kScheme.size()));
  }

  bool is_good(const PeerRecord& record) const {
    return bool(check_peer_record(record, options_.chain, options_.now));
  }

  /// Looked up once for each: who has to give way is asked of all of them.
  const std::string& network_of(const Peer& peer) {
    const auto [at, is_new] = networks_.try_emplace(peer.url);
    if (!is_new) return at->second;
    const bool is_web = peer.url.starts_with(kScheme);
    const auto network = is_web ? options_.judge(peer.url.substr(kScheme.size())) : std::nullopt;
    at->second = network.value_or(peer.url);
    return at->second;
  }

  /// Who has to give way for one more in this part of the table: one that never answered for each
  /// limit that is reached. nullopt: all have answered.
  std::optional<std::set<std::string>> who_leaves(const Part& part) {
    const std::array<Limit, 4> limits{{
        {of_network_[part.network] < kLearnedOfNetworkMax,
         [&](const Peer& peer) { return network_of(peer) == part.network; }},
        {of_teller_[part.teller] < kLearnedOfTellerMax,
         [&](const Peer& peer) { return peer.told_by == part.teller; }},
        {!part.is_named || names_ < kLearnedNamesMax, is_named},
        {learned_ < kLearnedMax, [](const Peer&) { return true; }},
    }};
    std::set<std::string> leave;
    for (const Limit& limit : limits) {
      const auto helps = [&](const std::string& url) { return limit.has(peers_.at(url)); };
      if (limit.has_room || std::ranges::any_of(leave, helps)) continue;
      std::vector<std::string> unproven;
      for (const auto& [url, peer] : peers_) {
        if (is_unproven(peer) && limit.has(peer)) unproven.push_back(url);
      }
      if (unproven.empty()) return std::nullopt;
      leave.insert(unproven[draw_.below(unproven.size())]);
    }
    return leave;
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
    const auto leave = who_leaves({network, options_.told.by, is_name(record.host_port)});
    if (!leave) return add(before);
    for (const std::string& url : *leave) drop(url);
    keep(record, before);
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
    new_.insert(peer.url);
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
    new_.erase(url);
  }

  void count(const Peer& peer, int by) {
    const auto step = static_cast<std::size_t>(by);  // Minus one wraps, and back again.
    learned_ += step;
    of_network_[network_of(peer)] += step;
    of_teller_[peer.told_by] += step;
    if (is_named(peer)) names_ += step;
  }

  const LearnOptions& options_;
  Draw draw_;
  std::map<std::string, Peer> peers_;  // By url.
  std::unordered_map<NodeKey, std::string, FixedBytesHash> url_of_key_;
  std::unordered_map<std::string, std::string> networks_;  // By url.
  Counts of_network_;
  Counts of_teller_;
  std::size_t learned_ = 0;
  std::size_t names_ = 0;  // Of the learned ones.
  std::set<std::string> new_;
  std::set<std::string> changed_;
};

}  // namespace

bool is_name(std::string_view host_port) {
  if (host_port.starts_with('[')) return false;
  const std::string_view host = host_port.substr(0, host_port.rfind(':'));
  // The last part of an address is a number; that of a name never is.
  const std::string_view last = host.substr(host.rfind('.') + 1);
  return last.find_first_not_of("0123456789") != std::string_view::npos;
}

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
