// Peer: another node, and what we think of it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/core/ids.h"

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

  bool operator==(const Peer&) const = default;
};

}  // namespace bmsg::node
