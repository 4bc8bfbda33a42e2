#include "tests/support/swarm.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "lib/chain/block_hash.h"
#include "lib/core/hex.h"
#include "lib/node/miner.h"
#include "tests/support/seed.h"

namespace bmsg {
namespace {

constexpr std::uint32_t kWidePool = 256 * 1024;  // Room for all that a swarm writes.
constexpr std::uint32_t kNarrowPool = 512;       // Room for three messages.
constexpr std::uint64_t kSideBytes = 2048;
constexpr std::size_t kCallsMax = 64;
constexpr unsigned kDepthMax = 2;

/// Every other swarm has a price that moves with each block, so that height and work differ.
std::string rules_of(std::uint64_t seed) {
  return seed % 2 == 0 || runs_endorsed() ? easy_rules_text() : easy_rules_text("halflife", "2400");
}

std::string short_of(const BlockHash& hash) { return to_hex(hash.view()).substr(0, 8); }

}  // namespace

void SwarmTally::add(const SwarmTally& other) {
  for (const auto field :
       {&SwarmTally::written, &SwarmTally::mined, &SwarmTally::finished, &SwarmTally::failed,
        &SwarmTally::overtaken, &SwarmTally::lost_before, &SwarmTally::lost_after, &SwarmTally::cut,
        &SwarmTally::one_way, &SwarmTally::repeated, &SwarmTally::delayed, &SwarmTally::restarts,
        &SwarmTally::reconnected, &SwarmTally::links_down, &SwarmTally::partitions,
        &SwarmTally::reorgs, &SwarmTally::deep_reorgs, &SwarmTally::forgotten,
        &SwarmTally::narrow}) {
    this->*field += other.*field;
  }
  most_open = std::max(most_open, other.most_open);
  most_rounds = std::max(most_rounds, other.most_rounds);
  most_diameter = std::max(most_diameter, other.most_diameter);
}

void SwarmTally::add(const SimTraffic& traffic) {
  lost_before += traffic.lost_before;
  lost_after += traffic.lost_after;
  cut += traffic.cut;
  one_way += traffic.one_way;
  repeated += traffic.repeated;
}

Swarm::Swarm(std::uint64_t seed)
    : numbers_(seed), clock_(kEasyGenesisTime + 1'000 * 600), builder_(rules_of(seed)) {
  for (Index i = 0; i < kNodes; ++i) all_.insert(i);
  do {
    join_up();
  } while (!diameter(all_));
  wide_ = all_;
  make_some_narrow();
  for (Index i = 0; i < kNodes; ++i) {
    const SwarmNode::Limits limits{wide_.contains(i) ? kWidePool : kNarrowPool, kSideBytes};
    nodes_.push_back(std::make_unique<SwarmNode>(builder_, clock_, numbers_(), limits));
  }
  give_history();
  tally_.narrow = kNodes - wide_.size();
  tally_.most_diameter = *diameter(all_);
}

/// Each knows 3 to 5 others: anybody, or those that live near by, which makes long ways.
void Swarm::join_up() {
  knows_.assign(kNodes, {});
  const bool is_ring = chance(50);
  for (Index i = 0; i < kNodes; ++i) {
    const std::size_t count = 3 + up_to(2);
    while (knows_[i].size() < count) {
      const Index other = is_ring ? (i + kNodes - 4 + up_to(8)) % kNodes : up_to(kNodes - 1);
      if (other != i) knows_[i].insert(other);
    }
  }
}

/// Those write nothing, and the others reach each other without them.
void Swarm::make_some_narrow() {
  for (int i = 0; i < 3; ++i) {
    auto fewer = wide_;
    fewer.erase(up_to(kNodes - 1));
    if (diameter(fewer)) wide_ = fewer;
  }
}

/// Half of all swarms begin with a chain that is longer than one request for blocks.
void Swarm::give_history() {
  if (chance(50)) return;
  for (const Block& block : builder_.blocks(builder_.genesis(), up_to(40)))
    (void)nodes_[0]->service().submit_block(block).value();  // A valid one is taken.
  for (const auto& node : nodes_) node->begin_like(*nodes_[0]);
}

std::optional<std::size_t> Swarm::diameter(const std::set<Index>& among) const {
  std::vector<std::vector<Index>> links(kNodes);
  for (const Index a : among) {
    for (const Index b : knows_[a]) {
      if (!among.contains(b)) continue;
      links[a].push_back(b);
      links[b].push_back(a);
    }
  }
  std::size_t longest = 0;
  for (const Index start : among) {
    std::vector<std::size_t> ways(kNodes, kNodes);  // So many: no way is known.
    std::vector<Index> reached{start};
    ways[start] = 0;
    for (std::size_t i = 0; i < reached.size(); ++i) {
      for (const Index other : links[reached[i]]) {
        if (ways[other] < kNodes) continue;
        ways[other] = ways[reached[i]] + 1;
        longest = std::max(longest, ways[other]);
        reached.push_back(other);
      }
    }
    if (reached.size() < among.size()) return std::nullopt;
  }
  return longest;
}

std::uint64_t Swarm::up_to(std::uint64_t most) { return number_up_to(numbers_, most); }

void Swarm::look_at(Index at) {
  const auto seen = nodes_[at]->look();
  if (!seen.fault.empty()) expect(false, fmt::format("node {}: {}", at, seen.fault));
  if (seen.reorg > 0) ++tally_.reorgs;
  if (seen.reorg > 1) ++tally_.deep_reorgs;
  tally_.forgotten += seen.forgotten;
}

void Swarm::happen() {
  chronicle_.begin_event();
  const auto drawn = up_to(999);
  if (drawn < 700) {
    step_call();
  } else if (drawn < 890) {
    begin_call();
  } else if (drawn < 925) {
    auto author = wide_.begin();
    std::advance(author, up_to(wide_.size() - 1));
    write(*author);
  } else if (drawn < 950) {
    mine(up_to(kNodes - 1));
  } else if (drawn < 970) {
    clock_.advance(up_to(9) == 0 ? up_to(1800) : up_to(20));
    note(fmt::format("it is {}", clock_.now().value));
  } else if (drawn < 982) {
    restart(up_to(kNodes - 1));
  } else if (drawn < 990) {
    flip_link();
  } else if (drawn < 995) {
    flip_direction();
  } else {
    flip_partition();
  }
}

void Swarm::write(Index at) {
  const auto message =
      builder_.public_message(fmt::format("message {}", written_.size()), clock_.now());
  const auto outcomes = nodes_[at]->service().submit_messages({message}, node::Origin::own).value();
  expect(outcomes.front().verdict == node::Verdict::accepted, "an own message was not taken");
  note(fmt::format("{} writes message {}", at, written_.size()));
  written_.push_back(outcomes.front().id);
  nodes_[at]->own(written_.back());
  ++tally_.written;
  look_at(at);
}

void Swarm::mine(Index at) {
  SwarmNode& miner = *nodes_[at];
  const auto work = miner.service().block_template({}).value();
  // A miner would wait for the clock, which does not move by itself here.
  if (work.parent.time.value >= clock_.now().value + node::kMinedAheadSecondsMax) return;
  SealedHeader sealed{work.block.header, {}};
  if (!runs_endorsed()) sealed.header.nonce = numbers_();
  builder_.mine(sealed);
  const Block block{sealed.header, sealed.seal, work.block.messages};
  const auto outcome = miner.service().submit_block(block).value();
  const BlockHash hash = chain::hash_of(block.header);
  expect(outcome.verdict == node::Verdict::accepted && miner.tip().hash == hash,
         fmt::format("node {} does not follow its own block", at));
  note(fmt::format("{} mines {} {} of {}", at, block.header.height.value, short_of(hash),
                   block.header.count));
  ++tally_.mined;
  look_at(at);
}

void Swarm::spoil(SimTransport& wire) {
  if (chance(50)) wire.lose(static_cast<unsigned>(up_to(30)), numbers_);
  if (chance(15)) wire.cut_after(up_to(12));
  if (chance(30)) wire.repeat_puts(30, numbers_);
  wire.on_way_back = [this] { delay_answer(); };
}

node::SyncOptions Swarm::draw_options(Call& call) {
  using Direction = node::SyncOptions::Direction;
  SwarmNode& caller = *nodes_[call.from];
  node::SyncOptions options;
  if (chance(20)) options.direction = chance(50) ? Direction::pull : Direction::push;
  if (chance(5)) options.bytes_max = 500 + up_to(5000);
  if (chance(5)) options.deadline = clock_.steady() + std::chrono::seconds(1 + up_to(10));
  options.cursor = caller.cursors[call.to];
  if (!chance(70)) return options;
  call.queue = caller.queue.lock();
  if (!call.queue) call.queue = std::make_shared<node::BlockQueue>(clock_);
  caller.queue = call.queue;
  options.queue = call.queue.get();
  return options;
}

void Swarm::begin_call() {
  if (calls_.size() >= kCallsMax) return;
  auto call = std::make_unique<Call>();
  call->from = up_to(kNodes - 1);
  auto known = knows_[call->from].begin();
  std::advance(known, up_to(knows_[call->from].size() - 1));
  call->to = *known;
  if (!is_up(call->from, call->to) && chance(80)) return;  // It shows soon enough.
  call->wire = std::make_unique<SimTransport>(nodes_[call->to]->service());
  spoil(*call->wire);
  call->session = std::make_unique<node::SyncSession>(
      nodes_[call->from]->service(), *call->wire, builder_.chain(), clock_, draw_options(*call));
  note(fmt::format("{} calls {}", call->from, call->to));
  calls_.push_back(std::move(call));
  tally_.most_open = std::max<std::uint64_t>(tally_.most_open, calls_.size());
  hang_up_dead_calls();
  silence_calls();
}

/// Whether it may nap until another session has the blocks that it was asked for.
bool Swarm::waits(const Call& call) const {
  return std::ranges::any_of(calls_, [&](const auto& other) {
    return other->is_busy && call.queue && other->queue == call.queue;
  });
}

void Swarm::step_call() {
  std::vector<Call*> idle;
  for (const auto& call : calls_) {
    if (!call->is_busy && (!waits(*call) || chance(20))) idle.push_back(call.get());
  }
  if (idle.empty()) return begin_call();
  Call& call = *idle[up_to(idle.size() - 1)];
  call.is_busy = true;
  const auto more = call.session->step();
  call.is_busy = false;
  note(fmt::format("{}>{} {} {} {}", call.from, call.to,
                   !more          ? more.error().message
                   : more.value() ? "goes on"
                                  : "ends",
                   short_of(nodes_[call.from]->tip().hash), short_of(nodes_[call.to]->tip().hash)));
  look_at(call.from);
  look_at(call.to);
  if (more && more.value()) return;
  if (more) ++tally_.finished;
  if (!more) ++tally_.failed;
  if (!more && more.error().code == Errc::try_again) ++tally_.overtaken;
  // Nobody here lies, so nobody may be called a liar.
  expect(more || more.error().code == Errc::unreachable || more.error().code == Errc::try_again,
         fmt::format("node {} says of node {}: {}", call.from, call.to,
                     more ? "" : more.error().message));
  nodes_[call.from]->cursors[call.to] = call.session->report().cursor;
  end_call(&call);
}

void Swarm::end_call(const Call* call) {
  const auto found = std::ranges::find(calls_, call, [](const auto& one) { return one.get(); });
  tally_.add((*found)->wire->traffic);
  (*found)->session.reset();  // Before what it borrows.
  calls_.erase(found);
}

/// The remote has acted; until the answer is here, the world goes on.
void Swarm::delay_answer() {
  if (depth_ >= kDepthMax || is_broken() || !chance(15)) return;
  ++depth_;
  ++tally_.delayed;
  for (auto left = 1 + up_to(9); left > 0 && !is_broken(); --left) happen();
  --depth_;
}

void Swarm::restart(Index at) {
  const auto is_mine = [&](const auto& call) { return call->from == at; };
  const auto is_stuck = [&](const auto& call) { return is_mine(call) && call->is_busy; };
  if (std::ranges::any_of(calls_, is_stuck)) return;
  note(fmt::format("{} restarts", at));
  for (auto mine = calls_.begin(); mine != calls_.end();
       mine = std::ranges::find_if(calls_, is_mine)) {
    if (is_mine(*mine)) end_call(mine->get());
  }
  nodes_[at]->start();
  ++tally_.restarts;
  for (const auto& call : calls_) {
    if (call->to != at) continue;
    call->wire->reconnect(nodes_[at]->service());
    if (chance(50)) {
      call->wire->hang_up();
    } else {
      ++tally_.reconnected;
    }
  }
  look_at(at);
}

}  // namespace bmsg
