// SyncSession: one exchange with one peer, until both hold the same chain and the same pool.
//
// Headers come first, by height: a few kilobytes decide whether a peer's claim holds before any
// block is asked for. A claim costs the liar its work; it costs us one request and no disk. Each
// block that comes in is durable at once, so that an interrupted sync goes on where it stopped.

#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/core/result.h"
#include "lib/node/service.h"
#include "lib/node/transport.h"

namespace bmsg::node {

class BlockQueue;

/// So many headers of a chain are judged before its blocks are fetched: 64 MiB of their hashes. A
/// longer one comes in parts.
inline constexpr std::size_t kStagedHeadersMax = std::size_t{1} << 20;

struct SyncOptions {
  enum class Direction : std::uint8_t { both, pull, push };

  Direction direction = Direction::both;
  std::optional<std::chrono::steady_clock::time_point> deadline = {};  // By Clock::steady.
  std::uint64_t bytes_max = 0;  // Sent and received together; 0: no limit.
  std::stop_token stop = {};
  std::string cursor = {};  // What the last report of this peer said; empty: its whole pool.
  /// The same of our own pool; empty: all of it is offered. Used only while the peer's feed goes
  /// on.
  std::string own_cursor = {};
  bool lasting = false;      // Own cursors are of the store, not of the node that runs.
  bool ask_records = false;  // For its records of peers, when all else is done.
  std::optional<PeerRecord> own_record = {};  // Given then; nullopt: we have no address.
  BlockQueue* queue = nullptr;      // Of all sessions that run at once; null: this is the only one.
  std::optional<Topic> topic = {};  // A light node fetches its public messages too.
  std::size_t staged_headers_max = kStagedHeadersMax;
};

/// What an exchange came to. After an error it says how far it had come.
struct SyncReport {
  NodeInfo peer;  // As it said when we began.
  std::uint64_t pulled_blocks = 0;
  std::uint64_t pushed_blocks = 0;
  std::uint64_t pulled_messages = 0;   // That came into our pool.
  std::uint64_t pushed_messages = 0;   // That came into the peer's.
  std::uint64_t pulled_proposals = 0;  // On a chain of endorsers; and signatures of such.
  std::uint64_t pushed_proposals = 0;
  std::vector<ProposalNote> peer_proposals;
  std::uint64_t refused_messages = 0;  // The peer's, that break a rule or find no room here.
  std::uint64_t pulled_bodies = 0;     // That a light node wanted.
  std::uint64_t withheld_bodies = 0;   // Not given, though they have not expired.
  std::vector<ShortId> peer_has;       // Of our pool; told by the peer.
  std::optional<Reorg> reorg;          // The deepest; `to` is where its branch ends now.
  bool stopped_by_policy = false;      // A better branch is here and was not followed.
  bool lacks_work = false;             // An error is that it claims work it does not show.
  bool held = false;                   // The peer's chain goes on in the future: ask again later.
  bool out_of_time = false;            // The deadline passed or a stop was asked for.
  bool out_of_bytes = false;
  std::string cursor;      // For the next exchange with this peer.
  std::string own_cursor;  // The same: what of our pool it has been offered.
  bool asked_records = false;
  std::vector<PeerRecord> records;  // As the peer gave them: unchecked.
  std::int64_t clock_ahead = 0;     // Seconds of the peer's clock before ours.
  std::uint32_t latency_ms = 0;     // Of the first request.
};

/// Threads: one at a time; `local` may serve others meanwhile.
/// Errors:  Errc::bad_config if the peer is on another chain; Errc::bad_input if its better chain
///          breaks a rule; Errc::protocol if it lies otherwise; Errc::try_again if its chain
///          changed while it was read; else as Transport and Service.
class SyncSession {
 public:
  SyncSession(Service& local, Transport& peer, const chain::ChainRules& chain, const Clock& clock,
              SyncOptions options);
  ~SyncSession();
  SyncSession(const SyncSession&) = delete;
  SyncSession& operator=(const SyncSession&) = delete;

  /// Does the next small part, about one request. False: nothing is left to do, or time or bytes
  /// ran out; what came in is kept.
  Result<bool> step();

  const SyncReport& report() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Steps until nothing is left.
Result<SyncReport> run(SyncSession& session);
/// The same with a session of its own.
Result<SyncReport> sync_with(Service& local, Transport& peer, const chain::ChainRules& chain,
                             const Clock& clock, const SyncOptions& options);

}  // namespace bmsg::node
