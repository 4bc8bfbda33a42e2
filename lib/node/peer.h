// Peer: another node, and what we think of it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/core/ids.h"
#include "lib/node/peer_record.h"

namespace bmsg::node {

enum class PeerSource : std::uint8_t { config = 0, invite = 1, learned = 2, lan = 3, dht = 4 };

/// Shape: kept under its url; storage/ decides how.
struct Peer {
  std::string url;             // http://HOST:PORT, https://HOST:PORT, unix:PATH.
  std::optional<NodeKey> key;  // Pinned; another key there is refused.
  PeerSource source = PeerSource::config;
  std::uint32_t score = 0;     // 100: banned.
  std::uint32_t failures = 0;  // In a row.
  UnixSeconds added;
  UnixSeconds last_seen;         // 0: never.
  UnixSeconds not_before;        // Do not call before: back-off or ban.
  std::optional<Height> height;  // As it last claimed.
  std::uint32_t latency_ms = 0;
  std::int32_t clock_ahead = 0;  // Seconds of its clock before ours, when it was last seen.
  std::string last_error;        // As it was told to us: untrusted text.

  std::optional<PeerRecord> record;  // As its node signed it; of learned ones always.
  std::string told_by;               // Of learned ones: the network of whoever told first.
  UnixSeconds reached;               // It last answered, with the key that is pinned; 0: never.
  std::uint32_t exchanges = 0;       // How often it did.
  UnixSeconds records_asked;         // When it was last asked for records of others.

  std::string cursor;         // Of its pool: up to where it was read; empty: not at all.
  std::string own_cursor;     // Of our pool: up to where it was offered; the same.
  UnixSeconds cursors_since;  // When both were last gone through whole; 0: never.

  bool operator==(const Peer&) const = default;
};

/// Whether strangers told of it: only public addresses are called, and it may be forgotten.
inline bool is_learned(const Peer& peer) {
  return peer.source == PeerSource::learned || peer.source == PeerSource::dht;
}

/// Learned, and nobody has answered there with that key yet.
inline bool is_unproven(const Peer& peer) { return is_learned(peer) && peer.reached.value == 0; }

}  // namespace bmsg::node
