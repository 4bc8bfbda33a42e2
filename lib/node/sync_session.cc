#include "lib/node/sync_session.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/chain/fork_choice.h"
#include "lib/core/try.h"
#include "lib/node/block_sync.h"
#include "lib/node/header_sync.h"
#include "lib/node/peer_book.h"
#include "lib/node/pool_sync.h"

namespace bmsg::node {
namespace {

bool beats(const Tip& a, const Tip& b) {
  return chain::is_better({a.work, a.hash}, {b.work, b.hash});
}

}  // namespace

struct SyncSession::State {
  enum class Stage : std::uint8_t { greet, headers, pull, push, pool, over };
  using Direction = SyncOptions::Direction;

  Service& local;
  Transport& peer;
  const chain::ChainRules& chain;
  const Clock& clock;
  SyncOptions options;
  SyncReport report;
  std::uint64_t bytes_before = 0;
  Stage stage = Stage::greet;
  std::optional<HeaderSync> headers;
  std::optional<BlockQueue> own_queue;
  std::optional<BlockPull> blocks;
  std::optional<BlockPush> push;
  std::optional<PoolSync> pool;

  bool is_out();
  Result<bool> step();
  Result<Done> greet();
  Result<Done> begin_pull();
  Result<Done> end_headers();
  Result<Done> begin_push();
  void begin_pool();
};

bool SyncSession::State::is_out() {
  const bool late = options.deadline && clock.steady() >= *options.deadline;
  if (late || options.stop.stop_requested()) report.out_of_time = true;
  const std::uint64_t bytes = peer.bytes_in() + peer.bytes_out() - bytes_before;
  if (options.bytes_max > 0 && bytes >= options.bytes_max) report.out_of_bytes = true;
  return report.out_of_time || report.out_of_bytes;
}

Result<bool> SyncSession::State::step() {
  if (stage == Stage::over || is_out()) return false;
  if (stage == Stage::greet) {
    BMSG_TRY(greet());
    BMSG_TRY(begin_pull());
  } else if (stage == Stage::headers) {
    BMSG_TRY_ASSIGN(const bool more, headers->step());
    if (!more) BMSG_TRY(end_headers());
  } else if (stage == Stage::pull) {
    BMSG_TRY_ASSIGN(const bool more, blocks->step());
    if (!more) BMSG_TRY(begin_push());
  } else if (stage == Stage::push) {
    BMSG_TRY_ASSIGN(const bool more, push->step());
    if (!more) begin_pool();
  } else {
    BMSG_TRY_ASSIGN(const bool more, pool->step());
    if (!more) stage = Stage::over;
  }
  return stage != Stage::over;
}

Result<Done> SyncSession::State::greet() {
  const auto begun = clock.steady();
  BMSG_TRY_ASSIGN(report.peer, peer.info());
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(clock.steady() - begun);
  report.latency_ms = static_cast<std::uint32_t>(took.count());
  if (peer.is_live()) report.clock_ahead = clock_difference(report.peer.now, clock.now());
  if (report.peer.chain != chain.id)
    return Error{Errc::bad_config, fmt::format("{} is on another chain", peer.name())};
  if (report.peer.read_only && options.direction == Direction::push)
    return Error{Errc::unreachable, fmt::format("{} takes nothing: it is read-only", peer.name())};
  if (report.peer.read_only) options.direction = Direction::pull;
  if (report.peer.tip.height.value > headers_max(chain.rules, clock.now())) {
    return Error{Errc::protocol, fmt::format("it claims {} blocks, more than anybody can have made",
                                             report.peer.tip.height.value)};
  }
  return done;
}

Result<Done> SyncSession::State::begin_pull() {
  BMSG_TRY_ASSIGN(const auto mine, local.info());
  if (options.direction == Direction::push || !beats(report.peer.tip, mine.tip)) {
    return begin_push();
  }
  headers.emplace(local, peer, chain, clock, mine.tip, report.peer.tip);
  stage = Stage::headers;
  return done;
}

Result<Done> SyncSession::State::end_headers() {
  StagedChain staged = headers->take();
  headers.reset();
  if (staged.held) report.held = true;
  if (staged.hashes.empty()) return begin_push();
  if (options.queue == nullptr) options.queue = &own_queue.emplace(clock);
  blocks.emplace(local, peer, *options.queue, std::move(staged), report);
  stage = Stage::pull;
  return done;
}

Result<Done> SyncSession::State::begin_push() {
  BMSG_TRY_ASSIGN(const auto mine, local.info());
  // All of its blocks are here and its chain is still the better one: we do not follow it.
  if (blocks && !report.held && beats(report.peer.tip, mine.tip)) report.stopped_by_policy = true;
  blocks.reset();
  const bool may_push = options.direction != Direction::pull && peer.is_live();
  if (!may_push || !beats(mine.tip, report.peer.tip)) {
    begin_pool();
    return done;
  }
  push.emplace(local, peer, mine.tip, report.peer.tip, report);
  stage = Stage::push;
  return done;
}

void SyncSession::State::begin_pool() {
  push.reset();
  stage = peer.is_live() ? Stage::pool : Stage::over;
  if (stage == Stage::pool) pool.emplace(local, peer, options, report);
}

SyncSession::SyncSession(Service& local, Transport& peer, const chain::ChainRules& chain,
                         const Clock& clock, SyncOptions options)
    : state_(new State{.local = local,
                       .peer = peer,
                       .chain = chain,
                       .clock = clock,
                       .options = std::move(options),
                       .report = {},
                       .bytes_before = peer.bytes_in() + peer.bytes_out(),
                       .headers = {},
                       .own_queue = {},
                       .blocks = {},
                       .push = {},
                       .pool = {}}) {
  state_->report.cursor = state_->options.cursor;
}

SyncSession::~SyncSession() = default;

Result<bool> SyncSession::step() { return state_->step(); }

const SyncReport& SyncSession::report() const { return state_->report; }

Result<SyncReport> sync_with(Service& local, Transport& peer, const chain::ChainRules& chain,
                             const Clock& clock, const SyncOptions& options) {
  SyncSession session(local, peer, chain, clock, options);
  for (;;) {
    BMSG_TRY_ASSIGN(const bool more, session.step());
    if (!more) return session.report();
  }
}

}  // namespace bmsg::node
