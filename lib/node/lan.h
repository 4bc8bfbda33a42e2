// Nodes on the same local network: what they shout now and then, and which of those that are heard
// become peers. Anybody there can shout anything; what is claimed is proved only when TLS shows the
// key. So whatever is done here must do no harm if all of it is false.

#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/ids.h"
#include "lib/node/peer.h"
#include "lib/node/service.h"

namespace bmsg::node {

inline constexpr std::chrono::seconds kLanBeaconEvery{60};
inline constexpr std::size_t kLanPeersMax = 64;
inline constexpr std::size_t kLanPeersPerHostMax = 8;
inline constexpr std::size_t kLanSendersMax = 256;   // Listened to in one minute.
inline constexpr std::size_t kLanPerSenderMax = 16;  // Datagrams in one minute.
inline constexpr std::chrono::seconds kLanForgetAfter{86'400};

/// "A node of this chain answers at the address that this came from, at this port, with this key."
struct LanBeacon {
  std::uint16_t port = 0;
  NodeKey key;

  bool operator==(const LanBeacon&) const = default;
};

/// How beacons name a chain without telling it to those who do not know it: the first 16 hex digits
/// of H("bmsg1 lan" ‖ chain id).
std::string lan_tag(const ChainId& chain);

/// Shape: "bmsg1 TAG PORT NODEKEY", one space between, no end of line; the key in base64url.
/// Source: bmsg-protocol(7), "Local networks".
std::string print_lan_beacon(std::string_view tag, const LanBeacon& beacon);

/// Strict: one text for each value. nullopt for another chain's and for anything else.
std::optional<LanBeacon> parse_lan_beacon(std::string_view text, std::string_view tag);

/// A neighbour that does not answer and was not reached for a day.
bool is_silent(const Peer& peer, UnixSeconds now);

/// Removes those, and says which.
Result<std::vector<std::string>> forget_silent(Service& service, UnixSeconds now);

/// What is to be changed in the list of peers.
struct LanChange {
  std::optional<std::string> remove;  // First.
  std::optional<Peer> put;
};

/// Keeps the count: who shouts how often, and when each peer was last heard.
/// Threads: one.
class LanPeers {
 public:
  LanPeers(const ChainId& chain, const NodeKey& own);

  /// The peer that a datagram speaks of, if it is news: of this chain, not ourselves, from nobody
  /// who shouts too often, and not known here with this key. No more than kLanPeersMax can be
  /// settled in a minute.
  std::optional<Peer> hear(const std::string& sender, std::string_view text, UnixSeconds now);

  /// What to do about such a peer. Full lists make room only where somebody never answered; nobody
  /// else's peer is touched.
  static LanChange admit(const Peer& heard, const std::vector<Peer>& known);

  /// It was put among the peers, or is not wanted there: until it falls silent it is no news.
  void settle(const Peer& peer, UnixSeconds now);
  /// It had to make room: the next beacon is news.
  void forget(const std::string& url) { known_.erase(url); }

  /// Those that do not answer and were neither heard nor reached for a day.
  std::vector<std::string> silent(const std::vector<Peer>& known, UnixSeconds now);

 private:
  struct Known {
    NodeKey key;
    UnixSeconds heard;
  };

  bool may_speak(const std::string& sender, UnixSeconds now);

  const std::string tag_;
  const NodeKey own_;
  std::map<std::string, Known> known_;         // By url; those that are settled.
  std::map<std::string, std::size_t> spoken_;  // By sender, since minute_.
  std::size_t settled_ = 0;                    // The same.
  std::uint64_t minute_ = 0;
};

}  // namespace bmsg::node
