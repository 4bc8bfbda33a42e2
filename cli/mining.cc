#include "cli/mining.h"

#include <fmt/format.h>

#include "cli/keyring_file.h"
#include "cli/session.h"
#include "lib/api/json_objects.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/work.h"
#include "lib/core/big_endian.h"
#include "lib/core/try.h"
#include "storage/witness.h"

namespace bmsg::cli {
namespace {

/// What a search rests on: it is stale when the tip moved or messages wait that it does not hold.
struct Ground {
  BlockHash tip;
  std::size_t queued = 0;

  bool operator==(const Ground&) const = default;
};

/// Read from plain files: no lock, no database.
Ground ground_of(const Context& context, const StoreDir& store, const BlockHash& fallback) {
  Ground ground{fallback, 0};
  const auto witness = storage::read_witness(context.disk, store.witness());
  if (witness && witness.value()) ground.tip = witness.value()->hash;
  const auto names = context.disk.list(store.outbox() / "new");
  if (names) ground.queued = names.value().size();
  return ground;
}

/// What is searched for, and the node that it came from while that is not let go.
struct Begun {
  node::BlockTemplate work;
  std::unique_ptr<NodeSession> session;
};

/// A search that is over before a node could be closed and opened again: no more than 65,536 hashes
/// on average, and no block of the chain's that its clock has to wait for.
bool is_short(const Context& context, const node::BlockTemplate& work) {
  const auto target = chain::target_of(work.block.header.bits);
  return target && load_be<std::uint16_t>(target->data()) > 0 &&
         work.parent.time.value < context.clock.now().value + node::kMinedAheadSecondsMax;
}

/// A search that lasts longer lets go of the node.
constexpr double kHeldSeconds = 0.1;

Result<Begun> begin(Context& context, const StoreDir& store, const MineOne& wish) {
  Begun begun;
  BMSG_TRY_ASSIGN(begun.session, open_node(context, store));
  node::Service& service = begun.session->service();
  BMSG_TRY(service.take_outbox());
  BMSG_TRY_ASSIGN(begun.work, service.block_template({.bury = wish.bury}));
  const bool searches = begun.work.has_work || wish.allow_empty;
  if (searches && is_short(context, begun.work)) return begun;
  BMSG_TRY(begun.session->collect_cards());
  begun.session.reset();
  return begun;
}

/// `session` null: it was let go meanwhile.
Result<node::BlockOutcome> finish(Context& context, const StoreDir& store,
                                  std::unique_ptr<NodeSession> session, const Block& block,
                                  bool& has_peers) {
  if (!session) {
    BMSG_TRY_ASSIGN(session, open_node(context, store));
  }
  BMSG_TRY_ASSIGN(auto outcome, session->service().submit_block(block));
  BMSG_TRY(session->collect_cards());
  BMSG_TRY_ASSIGN(const auto peers, session->service().peers());
  has_peers = !peers.empty();
  return outcome;
}

/// A node holds back what is dated further ahead than this, so a tip that is can only mean that
/// our clock is behind.
Result<Done> check_clock(const Context& context, const Header& tip) {
  const std::uint64_t now = context.clock.now().value;
  if (tip.time.value <= now + static_cast<std::uint64_t>(kTimeAheadMax.count())) return done;
  return Error{
      Errc::try_again,
      fmt::format("the tip is dated {} s ahead of this clock; set the clock, then mine again",
                  tip.time.value - now)};
}

bool is_late(const Context& context, const MineOne& wish) {
  return wish.deadline && context.clock.steady() >= *wish.deadline;
}

}  // namespace

Result<Done> check_is_mined(const chain::ChainRules& chain) {
  if (chain.rules.mode == chain::Mode::pow) return done;
  return Error{Errc::bad_usage, "blocks of this chain are endorsed, not mined: use bmsg endorse"};
}

api::StatusView mining_status(const node::MiningProgress& progress) {
  constexpr double kNinetyFive = 3.0;  // −ln 0.05: 95 % of searches end within so many means.
  const double rate =
      progress.seconds > 0 ? static_cast<double>(progress.hashes) / progress.seconds : 0;
  const double mean = rate > 0 ? progress.expected_hashes / rate : 0;
  return {.phase = "mine",
          .finished = progress.hashes,
          .total = std::nullopt,  // Nobody knows: the search has no memory.
          .rate = rate,
          .elapsed = progress.seconds,
          .expected = mean,
          .p95 = kNinetyFive * mean};
}

std::string mined_json(const Mined& mined) {
  api::BlockView view;
  view.hash = mined.hash;
  view.header = mined.block->header;
  if (const auto target = chain::target_of(view.header.bits)) view.work = chain::work_of(*target);
  view.messages = view.header.count;
  for (const Message& message : mined.block->messages) view.size += message.head.encoded_bytes();
  view.branch = "main";
  return api::block_json(view);
}

Result<Mined> mine_one(Context& context, const StoreDir& store, const MineOne& wish,
                       std::stop_token stop) {
  BMSG_TRY_ASSIGN(const auto rules, read_rules(context, store));
  BMSG_TRY(check_is_mined(rules));
  Mined mined;
  while (!stop.stop_requested()) {
    BMSG_TRY_ASSIGN(Begun begun, begin(context, store, wish));
    const node::BlockTemplate& work = begun.work;
    if (!work.has_work && !wish.allow_empty) return mined;
    BMSG_TRY(check_clock(context, work.parent));
    const Ground ground = ground_of(context, store, work.block.header.previous);
    node::MiningWish search{.threads = wish.threads, .on_progress = {}};
    std::uint64_t hashes = 0;
    search.on_progress = [&](const node::MiningProgress& progress) {
      hashes = progress.hashes;
      if (progress.seconds > kHeldSeconds) begun.session.reset();
      if (wish.on_progress) wish.on_progress(progress, work);
      return !is_late(context, wish) &&
             ground_of(context, store, work.block.header.previous) == ground;
    };
    BMSG_TRY_ASSIGN(const auto block,
                    node::mine(work, rules, context.clock, context.entropy, search, stop));
    mined.hashes += hashes;
    if (!block) {
      mined.end = is_late(context, wish) ? Mined::End::out_of_time : Mined::End::stopped;
      if (mined.end == Mined::End::out_of_time) return mined;
      continue;
    }
    BMSG_TRY_ASSIGN(const auto outcome,
                    finish(context, store, std::move(begun.session), *block, mined.has_peers));
    if (outcome.verdict == node::Verdict::accepted || outcome.verdict == node::Verdict::known) {
      mined.end = Mined::End::block;
      mined.hash = chain::hash_of(block->header);
      mined.block = *block;
      return mined;
    }
    if (outcome.verdict == node::Verdict::refused &&
        outcome.violation->rule != chain::Rule::duplicate) {
      return Error{Errc::corrupt,
                   fmt::format("our own node refuses the block: {}: {}",
                               chain::name_of(outcome.violation->rule), outcome.violation->detail)};
    }
  }
  mined.end = Mined::End::stopped;
  return mined;
}

}  // namespace bmsg::cli
