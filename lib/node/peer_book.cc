#include "lib/node/peer_book.h"

#include <algorithm>
#include <cstdint>

#include "lib/node/sync_session.h"

namespace bmsg::node {
namespace {

constexpr std::uint64_t kScoreFallSeconds = 60;
constexpr std::uint64_t kSecondsMost = 1ULL << 40;  // What a clock may say.
constexpr std::uint32_t kDoublingsMax = 7;          // 30 s, seven times doubled, is past an hour.

std::uint64_t seconds(std::chrono::seconds time) {
  return static_cast<std::uint64_t>(time.count());
}

bool is_banned(const Peer& peer, UnixSeconds now) {
  return peer.score >= kBanScore && now < peer.not_before;
}

/// The score as of now: it was last set when the peer was last seen.
std::uint32_t score_at(const Peer& peer, UnixSeconds now) {
  const std::uint64_t idle = now.value - std::min(now.value, peer.last_seen.value);
  const std::uint64_t fallen = idle / kScoreFallSeconds;
  return peer.score - static_cast<std::uint32_t>(std::min<std::uint64_t>(peer.score, fallen));
}

}  // namespace

Peer after_success(Peer peer, UnixSeconds now, const Answered& answered) {
  peer.failures = 0;
  peer.last_error.clear();
  peer.height = answered.height;
  const auto latency = std::max<std::int64_t>(answered.latency.count(), 0);
  peer.latency_ms = static_cast<std::uint32_t>(latency);
  peer.clock_ahead = static_cast<std::int32_t>(
      std::clamp<std::int64_t>(answered.clock_ahead, INT32_MIN, INT32_MAX));
  if (!is_banned(peer, now)) {
    peer.score = score_at(peer, now);
    peer.not_before = UnixSeconds{};
  }
  peer.last_seen = now;
  peer.reached = now;
  peer.exchanges += peer.exchanges < UINT32_MAX ? 1 : 0;
  return peer;
}

Peer after_failure(Peer peer, UnixSeconds now, std::string_view error) {
  const std::uint64_t doubled = seconds(kBackOffFirst) << std::min(peer.failures, kDoublingsMax);
  ++peer.failures;
  const UnixSeconds later{now.value + std::min(doubled, seconds(kBackOffMax))};
  peer.not_before = std::max(peer.not_before, later);
  peer.last_error = error.substr(0, kPeerErrorBytesMax);
  return peer;
}

Peer penalise(Peer peer, Misdeed misdeed, UnixSeconds now) {
  const std::uint32_t before = is_banned(peer, now) ? kBanScore : score_at(peer, now);
  peer.score = std::min(before + static_cast<std::uint32_t>(misdeed), kBanScore);
  peer.last_seen = now;
  if (peer.score < kBanScore) return peer;
  peer.not_before = std::max(peer.not_before, UnixSeconds{now.value + seconds(kBanTime)});
  return peer;
}

std::int64_t clock_difference(UnixSeconds theirs, UnixSeconds ours) {
  const auto bounded = [](UnixSeconds time) {
    return static_cast<std::int64_t>(std::min(time.value, kSecondsMost));
  };
  return bounded(theirs) - bounded(ours);
}

void use_cursors(const Peer& peer, SyncOptions& options, UnixSeconds now) {
  const std::uint64_t since = peer.cursors_since.value;
  if (since == 0 || now.value < since || now.value - since >= seconds(kCursorsTime)) return;
  options.cursor = peer.cursor;
  options.own_cursor = peer.own_cursor;
}

void keep_cursors(Peer& peer, const SyncOptions& used, const SyncReport& report, UnixSeconds now) {
  peer.cursor = report.cursor;
  peer.own_cursor = report.own_cursor;
  if (used.cursor.empty()) peer.cursors_since = now;
}

bool may_call(const Peer& peer, UnixSeconds now) {
  if (now >= peer.not_before) return true;
  // No back-off is so long: a clock was ahead when it began. A ban may be.
  return peer.score < kBanScore && peer.not_before.value - now.value > seconds(kBackOffMax);
}

}  // namespace bmsg::node
