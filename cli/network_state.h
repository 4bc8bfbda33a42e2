// What is wrong between this store and the others, in words.

#pragma once

#include <vector>

#include "lib/api/json_objects.h"
#include "lib/node/forks.h"
#include "lib/node/peer.h"
#include "lib/node/store.h"

namespace bmsg::cli {

/// A clock further off than this is worth a word.
inline constexpr std::int64_t kClockOffSeconds = 60;

/// What is known of the network without asking it.
struct NetworkState {
  node::Tip tip;
  std::vector<node::Peer> peers;
  std::vector<node::Fork> forks;
  UnixSeconds waits_since;       // Of the message that is longest in the pool; 0: none.
  std::uint64_t interval = 600;  // Seconds between blocks, as the chain wants it.
  UnixSeconds now;
};

/// Each with the command that helps; the most pressing first.
std::vector<api::AttentionView> network_attention(const NetworkState& state);

/// Seconds that most peers' clocks are before ours; those that were never seen do not count.
std::int64_t clock_off(const std::vector<node::Peer>& peers);

}  // namespace bmsg::cli
