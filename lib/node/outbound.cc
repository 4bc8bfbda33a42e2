#include "lib/node/outbound.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "lib/core/big_endian.h"
#include "lib/crypto/sha512.h"
#include "lib/node/lan.h"
#include "lib/node/peer_book.h"

namespace bmsg::node {
namespace {

constexpr std::string_view kScheme = "https://";

/// A learned peer that may be called.
struct Candidate {
  const Peer* peer = nullptr;
  std::string network;
  std::uint64_t rank = 0;  // The lot it drew.
};

std::uint64_t lot(std::uint64_t seed, std::uint64_t time, const std::string& url) {
  Bytes start;
  append_be(start, seed);
  append_be(start, time);
  return load_be<std::uint64_t>(crypto::sha512({start, as_bytes(url)}).data());
}

std::vector<Candidate> candidates(const std::vector<Peer>& peers, UnixSeconds now,
                                  std::uint64_t seed, std::uint64_t time, const JudgePlace& judge) {
  std::vector<Candidate> found;
  for (const Peer& peer : peers) {
    const bool is_web = peer.url.starts_with(kScheme);
    if (!is_learned(peer) || !is_web || !may_call(peer, now) || is_forgotten(peer, now)) continue;
    const auto network = judge(peer.url.substr(kScheme.size()));
    if (network) found.push_back({&peer, *network, lot(seed, time, peer.url)});
  }
  std::ranges::sort(found, {}, [](const Candidate& one) {
    return std::tuple(is_unproven(*one.peer), one.rank, one.peer->url);
  });
  return found;
}

/// Those that answered most often; of equals the one that is known longer.
std::vector<Candidate> anchors(std::vector<Candidate> proven) {
  std::erase_if(proven, [](const Candidate& one) { return is_unproven(*one.peer); });
  std::ranges::sort(proven, {}, [](const Candidate& one) {
    return std::tuple(UINT32_MAX - one.peer->exchanges, one.peer->added, one.peer->url);
  });
  if (proven.size() > kAnchors) proven.resize(kAnchors);
  return proven;
}

/// The places that are left, and who has them.
class Places {
 public:
  void take(const std::vector<Candidate>& in_order, std::size_t of_teller_max) {
    for (const Candidate& one : in_order) {
      const bool is_named = is_name(one.peer->url.substr(kScheme.size()));
      const bool is_free = chosen_.size() < kOutboundMax && !networks_.contains(one.network) &&
                           tellers_[one.peer->told_by] < of_teller_max &&
                           (!is_named || names_ < kOutboundNamesMax);
      if (!is_free) continue;
      names_ += is_named ? 1 : 0;
      networks_.insert(one.network);
      ++tellers_[one.peer->told_by];
      chosen_.push_back(one.peer);
    }
  }

  const std::vector<const Peer*>& chosen() const { return chosen_; }

 private:
  std::vector<const Peer*> chosen_;
  std::set<std::string> networks_;
  std::map<std::string, std::size_t> tellers_;
  std::size_t names_ = 0;
};

}  // namespace

std::vector<Peer> admitted(std::vector<Peer> peers, const JudgeKey& admits) {
  if (!admits) return peers;
  std::erase_if(peers, [&](const Peer& peer) {
    const bool is_given = !is_learned(peer) && peer.source != PeerSource::lan;
    return !is_given && !(peer.key && admits(*peer.key));
  });
  return peers;
}

std::vector<Peer> choose_outbound(const std::vector<Peer>& peers, UnixSeconds now,
                                  std::uint64_t seed, const JudgePlace& judge) {
  const auto hour = now.value / static_cast<std::uint64_t>(kOutboundTime.count());
  const auto learned = candidates(peers, now, seed, hour, judge);
  Places places;
  places.take(anchors(learned), kOutboundMax);
  places.take(learned, kOutboundOfTellerMax);
  places.take(learned, kOutboundMax);
  std::vector<Peer> chosen;
  for (const Peer& peer : peers) {
    if (!is_learned(peer) && !is_silent(peer, now)) chosen.push_back(peer);
  }
  for (const Peer* peer : places.chosen()) chosen.push_back(*peer);
  return chosen;
}

std::optional<Peer> choose_feeler(const std::vector<Peer>& peers, UnixSeconds now,
                                  std::uint64_t seed, const JudgePlace& judge) {
  const auto learned = candidates(peers, now, seed, now.value, judge);
  const auto first =
      std::ranges::find_if(learned, [](const Candidate& one) { return is_unproven(*one.peer); });
  return first == learned.end() ? std::nullopt : std::optional(*first->peer);
}

}  // namespace bmsg::node
