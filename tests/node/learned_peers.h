// Records of nodes that do not exist, by number; and a judge of their places.

#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/big_endian.h"
#include "lib/crypto/sign.h"
#include "lib/node/peer_table.h"

namespace bmsg {

inline constexpr std::uint64_t kPeersNow = 1'767'225'600;
inline const ChainId kPeersChain = ChainId::filled(7);

/// The first two numbers of an IPv4 literal, or the last two labels of a name; none of 10.x and
/// 127.x, and no ports below 1024.
inline std::optional<std::string> judge_by_numbers(std::string_view place) {
  const auto dot = place.find('.', place.find('.') + 1);
  const auto colon = place.rfind(':');
  const bool is_own = place.starts_with("10.") || place.starts_with("127.");
  if (is_own || place.size() - colon < 5) return std::nullopt;
  if (!node::is_name(place)) return std::string(place.substr(0, dot));
  const std::string_view name = place.substr(0, colon);
  const auto top = name.rfind('.');
  return std::string(name.substr(name.rfind('.', top - 1) + 1));
}

inline crypto::SecretBytes peer_seed(std::uint64_t number) {
  Bytes seed(24, 5);
  append_be(seed, number);
  return crypto::SecretBytes::from(seed);
}

inline std::string place_of(unsigned a, unsigned b, unsigned c, unsigned d) {
  return fmt::format("{}.{}.{}.{}:5512", a, b, c, d);
}

/// Signed by node `number`.
inline node::PeerRecord record_of(std::uint64_t number, const std::string& place,
                                  std::uint64_t time = kPeersNow) {
  return node::sign_peer_record(peer_seed(number), kPeersChain, place, UnixSeconds{time});
}

/// Peers as they are kept.
struct PeerShelf {
  /// How many were new.
  std::size_t learn(const std::vector<node::PeerRecord>& records, const std::string& by,
                    std::uint64_t seed = 1) {
    node::LearnOptions options{.chain = kPeersChain,
                               .own = own,
                               .now = now,
                               .judge = judge_by_numbers,
                               .told = {.source = node::PeerSource::learned, .by = by},
                               .seed = seed};
    const auto change = node::plan_learning(all(), records, options);
    for (const std::string& url : change.remove) peers.erase(url);
    for (const node::Peer& peer : change.put) peers[peer.url] = peer;
    return change.learned;
  }
  std::vector<node::Peer> all() const {
    std::vector<node::Peer> made;
    for (const auto& [url, peer] : peers) made.push_back(peer);
    return made;
  }
  bool has(const std::string& place) const { return peers.contains("https://" + place); }
  node::Peer& at(const std::string& place) { return peers.at("https://" + place); }
  /// It has answered so often.
  void prove(const std::string& place, std::uint32_t exchanges = 1) {
    at(place).reached = now;
    at(place).exchanges = exchanges;
  }

  std::map<std::string, node::Peer> peers;
  std::optional<NodeKey> own;
  UnixSeconds now{kPeersNow};
};

}  // namespace bmsg
