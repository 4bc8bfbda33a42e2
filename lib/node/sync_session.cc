#include "lib/node/sync_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/chain/fork_choice.h"
#include "lib/chain/pack.h"
#include "lib/core/try.h"
#include "lib/node/block_push.h"
#include "lib/node/block_sync.h"
#include "lib/node/body_sync.h"
#include "lib/node/header_sync.h"
#include "lib/node/peer_book.h"
#include "lib/node/pool_sync.h"
#include "lib/node/proposal_sync.h"

namespace bmsg::node {
namespace {

bool beats(const Tip& a, const Tip& b) {
  return chain::is_better({a.work, a.hash}, {b.work, b.hash});
}

}  // namespace

struct SyncSession::State {
  enum class Stage : std::uint8_t {
    greet,
    headers,
    pull,
    bodies,
    push,
    pool,
    proposals,
    records,
    over
  };
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
  std::optional<Tip> part_end;  // Where the part of a long chain ends that is fetched.
  bool has_pulled = false;
  std::optional<BodySync> bodies;
  std::optional<BlockPush> push;
  std::optional<PoolSync> pool;
  std::optional<ProposalSync> proposals;

  ~State() {
    if (options.queue != nullptr) options.queue->headers().end(this);
  }
  bool is_out();
  Result<bool> step();
  Result<Done> greet();
  Result<Done> begin_pull();
  Result<Done> step_headers();
  Result<bool> fetches_headers();
  Result<Done> end_headers();
  void begin_blocks(StagedChain chain);
  Result<Done> end_pull();
  Result<Done> begin_push();
  void begin_pool();
  void begin_proposals();
  Result<Done> trade_records();
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
    BMSG_TRY(step_headers());
  } else if (stage == Stage::pull) {
    const auto more = blocks->step();
    if (!more) {
      options.queue->headers().forget();
      return more.error();
    }
    if (!more.value()) BMSG_TRY(end_pull());
  } else if (stage == Stage::bodies) {
    BMSG_TRY_ASSIGN(const bool more, bodies->step());
    if (!more) BMSG_TRY(begin_push());
  } else if (stage == Stage::push) {
    BMSG_TRY_ASSIGN(const bool more, push->step());
    if (!more) begin_pool();
  } else if (stage == Stage::pool) {
    BMSG_TRY_ASSIGN(const bool more, pool->step());
    if (!more) begin_proposals();
  } else if (stage == Stage::proposals) {
    BMSG_TRY_ASSIGN(const bool more, proposals->step());
    if (!more) stage = Stage::records;
  } else {
    BMSG_TRY(trade_records());
  }
  return stage != Stage::over;
}

/// Peers of the peer, and where we are. Of no use to this exchange: if the time runs out now, it
/// was whole all the same.
Result<Done> SyncSession::State::trade_records() {
  stage = Stage::over;
  const auto is_harmless = [](const Error& error) {
    return error.code == Errc::try_again || error.code == Errc::unreachable;
  };
  if (options.own_record && !report.peer.read_only && options.direction != Direction::pull) {
    Bytes pack = chain::begin_pack();
    chain::append_frame(pack, chain::FrameType::peers,
                        as_bytes(print_peer_records({*options.own_record})));
    const auto given = peer.put(pack);
    if (!given && !is_harmless(given.error())) return given.error();
  }
  if (!options.ask_records || options.direction == Direction::push) return done;
  auto told = peer.peer_records();
  if (!told && !is_harmless(told.error())) return told.error();
  report.asked_records = bool(told);
  if (told) report.records = std::move(told).value();
  return done;
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
  // A light peer has no bodies to give: a node that keeps them takes its blocks from others.
  const bool has_nothing = report.peer.light && !mine.light;
  if (options.direction == Direction::push || has_nothing || !beats(report.peer.tip, mine.tip)) {
    return end_pull();
  }
  if (options.queue == nullptr) options.queue = &own_queue.emplace(clock);
  stage = Stage::headers;
  return done;
}

/// Whether it is for this session to fetch headers; else another does, or has done it.
Result<bool> SyncSession::State::fetches_headers() {
  if (headers) return true;
  HeaderBoard& board = options.queue->headers();
  if (auto found = board.find(report.peer.tip)) {
    begin_blocks(std::move(*found));
    return false;
  }
  const auto patience = std::clamp(4 * std::chrono::milliseconds(report.latency_ms),
                                   kHeaderPatienceMin, kHeaderPatienceMax);
  if (board.turn(this, report.peer.tip, patience) == HeaderBoard::Turn::wait) {
    board.wait();
    return false;
  }
  BMSG_TRY_ASSIGN(const auto mine, local.info());  // It may have grown since.
  if (!beats(report.peer.tip, mine.tip)) {
    board.end(this);
    BMSG_TRY(end_pull());
    return false;
  }
  headers.emplace(local, peer, chain, clock, mine.tip, report.peer.tip, options.staged_headers_max);
  return true;
}

Result<Done> SyncSession::State::step_headers() {
  BMSG_TRY_ASSIGN(const bool fetches, fetches_headers());
  if (!fetches) return done;
  HeaderBoard& board = options.queue->headers();
  board.begin_request(this, [this] { peer.drop_request(); });
  const auto more = headers->step();
  const bool was_dropped = board.end_request(this);
  if (!more && !was_dropped) {
    report.lacks_work = headers->lacks_work();
    board.end(this);
    return more.error();
  }
  if (more) return more.value() ? done : end_headers();
  headers.reset();  // Another has them.
  board.end(this);
  return done;
}

Result<Done> SyncSession::State::end_headers() {
  StagedChain staged = headers->take();
  headers.reset();
  options.queue->headers().put(this, staged);
  if (staged.held) report.held = true;
  if (staged.hashes.empty()) return end_pull();
  if (staged.is_part) {
    const std::uint64_t end = staged.fork.value + staged.hashes.size();
    part_end = Tip{.height = Height{static_cast<std::uint32_t>(end)},
                   .hash = staged.hashes.back(),
                   .work = staged.work,
                   .time = {}};
  }
  begin_blocks(std::move(staged));
  return done;
}

void SyncSession::State::begin_blocks(StagedChain staged) {
  blocks.emplace(local, peer, *options.queue, std::move(staged), report);
  stage = Stage::pull;
}

Result<Done> SyncSession::State::end_pull() {
  has_pulled = blocks.has_value();
  blocks.reset();  // Other sessions need not reckon with this one any more.
  BMSG_TRY_ASSIGN(const auto mine, local.info());
  // All of the part is followed: the next begins where it ends.
  const auto part = std::exchange(part_end, std::nullopt);
  if (part && !beats(*part, mine.tip) && beats(report.peer.tip, mine.tip)) {
    stage = Stage::headers;
    return done;
  }
  if (!mine.light || report.peer.light || options.direction == Direction::push) return begin_push();
  if (options.topic) BMSG_TRY(local.want_topic(*options.topic));
  bodies.emplace(local, peer, report);
  stage = Stage::bodies;
  return done;
}

Result<Done> SyncSession::State::begin_push() {
  BMSG_TRY_ASSIGN(const auto mine, local.info());
  bodies.reset();
  // All of its blocks are here and its chain is still the better one: we do not follow it.
  if (has_pulled && !report.held && beats(report.peer.tip, mine.tip))
    report.stopped_by_policy = true;
  // Blocks without bodies are nothing to a node that keeps them.
  const bool may_push =
      options.direction != Direction::pull && peer.is_live() && (!mine.light || report.peer.light);
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

void SyncSession::State::begin_proposals() {
  stage = chain.rules.mode == chain::Mode::pow ? Stage::records : Stage::proposals;
  if (stage == Stage::proposals)
    proposals.emplace(local, peer, options, report.peer_proposals, report);
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
                       .part_end = {},
                       .bodies = {},
                       .push = {},
                       .pool = {},
                       .proposals = {}}) {
  state_->report.cursor = state_->options.cursor;
}

SyncSession::~SyncSession() = default;

Result<bool> SyncSession::step() { return state_->step(); }

const SyncReport& SyncSession::report() const { return state_->report; }

Result<SyncReport> sync_with(Service& local, Transport& peer, const chain::ChainRules& chain,
                             const Clock& clock, const SyncOptions& options) {
  SyncSession session(local, peer, chain, clock, options);
  return run(session);
}

Result<SyncReport> run(SyncSession& session) {
  for (;;) {
    BMSG_TRY_ASSIGN(const bool more, session.step());
    if (!more) return session.report();
  }
}

}  // namespace bmsg::node
