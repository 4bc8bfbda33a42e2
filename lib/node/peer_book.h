// What we think of a peer after each exchange: when to call it again, and when never.

#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

#include "lib/core/ids.h"
#include "lib/node/peer.h"

namespace bmsg::node {

struct SyncOptions;
struct SyncReport;

inline constexpr std::uint32_t kBanScore = 100;
inline constexpr std::chrono::seconds kBanTime{86'400};
inline constexpr std::chrono::seconds kBackOffFirst{30};
inline constexpr std::chrono::seconds kBackOffMax{3'600};
inline constexpr std::size_t kPeerErrorBytesMax = 200;

/// What a misdeed costs. Source: bmsg-protocol(7), "Scores".
enum class Misdeed : std::uint32_t {
  broken_rule = 100,  // Wrong work, bad seal, a frame that does not parse.
  false_work = 75,    // Good headers that do not add up to the work that was claimed.
  false_claim = 25,   // Other lies; another chain.
};

/// What its answers told about a peer.
struct Answered {
  std::chrono::milliseconds latency{};
  Height height;
  std::int64_t clock_ahead = 0;  // Seconds before our clock.
};

// Each returns the peer as it is to be kept. Scores fall by 1 a minute from when it was last seen.
Peer after_success(Peer peer, UnixSeconds now, const Answered& answered);

/// Waits 30 s, then twice as long after each failure in a row, an hour at most. `error` is cut.
Peer after_failure(Peer peer, UnixSeconds now, std::string_view error);

/// At 100 points it is banned for a day.
Peer penalise(Peer peer, Misdeed misdeed, UnixSeconds now);

/// Seconds of `theirs` before `ours`; a stranger's clock may say anything.
std::int64_t clock_difference(UnixSeconds theirs, UnixSeconds ours);

/// Cursors are forgotten after so long: a peer may have dropped what it once had, and knows us
/// again by the one that it gave.
inline constexpr std::chrono::seconds kCursorsTime{3'600};

/// Lets an exchange begin where the last one with this peer ended, if that is not long ago.
void use_cursors(const Peer& peer, SyncOptions& options, UnixSeconds now);
/// Keeps where it ended, with the peer's record.
void keep_cursors(Peer& peer, const SyncOptions& used, const SyncReport& report, UnixSeconds now);

bool may_call(const Peer& peer, UnixSeconds now);

}  // namespace bmsg::node
