#include "cli/network_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace bmsg::cli {
namespace {

constexpr std::uint64_t kQuietIntervals = 6;

bool is_ok(const node::Peer& peer, UnixSeconds now) { return api::peer_state(peer, now) == "ok"; }

/// Whether nobody gave it: strangers told of it, or it was heard on the local network.
bool is_strangers_word(const node::Peer& peer) {
  return node::is_learned(peer) || peer.source == node::PeerSource::lan;
}

/// It was asked and did not answer as it should. Of those that strangers told of nobody knows
/// whether they should.
bool is_bad(const node::Peer& peer, UnixSeconds now) {
  const bool is_unproven = is_strangers_word(peer) && peer.reached.value == 0;
  return !is_unproven && !is_ok(peer, now) && api::peer_state(peer, now) != "never";
}

/// The same, of those that people gave.
bool is_missed(const node::Peer& peer, UnixSeconds now) {
  return !is_strangers_word(peer) && is_bad(peer, now);
}

std::uint64_t since(UnixSeconds then, UnixSeconds now) {
  return now.value - std::min(now.value, then.value);
}

/// How many blocks the highest of the peers that answer is ahead.
std::uint32_t blocks_behind(const NetworkState& state) {
  std::uint32_t top = state.tip.height.value;
  for (const node::Peer& peer : state.peers) {
    if (peer.height && is_ok(peer, state.now)) top = std::max(top, peer.height->value);
  }
  return top - state.tip.height.value;
}

/// Messages wait and no block comes: the sign of an eclipse that shows from inside.
bool is_quiet(const NetworkState& state) {
  const std::uint64_t long_time = kQuietIntervals * state.interval;
  return state.waits_since.value != 0 && since(state.waits_since, state.now) > long_time &&
         since(state.tip.time, state.now) > long_time;
}

}  // namespace

std::int64_t clock_off(const std::vector<node::Peer>& peers) {
  std::vector<std::int64_t> ahead;
  for (const node::Peer& peer : peers) {
    const bool has_clock = peer.last_seen.value != 0 && !api::is_mirror(peer);
    if (has_clock) ahead.push_back(peer.clock_ahead);
  }
  if (ahead.empty()) return 0;
  std::ranges::sort(ahead);
  return ahead[ahead.size() / 2];
}

std::vector<api::AttentionView> network_attention(const NetworkState& state) {
  std::vector<api::AttentionView> found;
  const auto count = [&](bool (*is)(const node::Peer&, UnixSeconds)) {
    return std::ranges::count_if(state.peers,
                                 [&](const auto& peer) { return is(peer, state.now); });
  };
  const auto ok = count(is_ok);
  const auto bad = count(is_bad);
  if (!state.forks.empty()) {
    const node::Fork& fork = state.forks.front();
    found.push_back(
        {"fork",
         fmt::format("a better branch was not followed: it would replace {} blocks", fork.depth),
         "bmsg fork list"});
  } else if (const auto behind = blocks_behind(state); behind > 0) {
    found.push_back({"behind", fmt::format("a peer is {} blocks ahead", behind), "bmsg sync"});
  }
  if (ok == 0 && bad > 0) {
    found.push_back({"peers", fmt::format("none of {} peers answers", bad), "bmsg peers probe"});
  } else if (const auto missed = count(is_missed); missed > 0) {
    found.push_back({"peers", fmt::format("{} peers do not answer", missed), "bmsg peers"});
  }
  if (const auto off = clock_off(state.peers); std::abs(off) > kClockOffSeconds) {
    found.push_back({"clock",
                     fmt::format("this clock is {} s {} the peers'", std::abs(off),
                                 off > 0 ? "behind" : "ahead of"),
                     "bmsg doctor"});
  }
  if (ok > 0 && is_quiet(state)) {
    found.push_back(
        {"quiet",
         fmt::format("no block for {} s though messages wait and {} peers answer: nobody "
                     "makes any, or they hide them",
                     since(state.tip.time, state.now), ok),
         "bmsg peers add"});
  }
  return found;
}

}  // namespace bmsg::cli
