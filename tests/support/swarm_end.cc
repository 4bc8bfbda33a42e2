// The end of a swarm: the faults stop, and all must come to agree.

#include <fmt/format.h>

#include <algorithm>

#include "lib/chain/block_digests.h"
#include "lib/chain/block_hash.h"
#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "lib/node/verifier.h"
#include "tests/support/swarm.h"

namespace bmsg {

void Swarm::run(std::size_t events) {
  for (std::size_t i = 0; i < events && !is_broken(); ++i) happen();
  heal();
  if (!is_broken()) agree();
  if (!is_broken()) bury();
}

void Swarm::heal() {
  note("the faults stop");
  // What one way of giving does not tell, the other may: each has to do by itself, too.
  using Direction = node::SyncOptions::Direction;
  if (chance(50)) end_ = chance(50) ? Direction::pull : Direction::push;
  down_.clear();
  silent_.clear();
  side_.clear();
  while (!calls_.empty()) end_call(calls_.back().get());
}

/// Each node calls each that it knows, once, in any order; over each link both ends call where
/// calls go one way.
void Swarm::round() {
  chronicle_.begin_event();
  std::set<Link> calls;
  for (const Index from : all_) {
    for (const Index to : knows_[from]) {
      calls.emplace(from, to);
      if (end_ != node::SyncOptions::Direction::both) calls.emplace(to, from);
    }
  }
  std::vector<Link> pairs(calls.begin(), calls.end());
  for (std::size_t i = pairs.size() - 1; i > 0; --i) std::swap(pairs[i], pairs[up_to(i)]);
  for (const auto& [from, to] : pairs) {
    SimTransport wire(nodes_[to]->service());
    node::SyncOptions options;
    options.direction = end_;
    options.cursor = nodes_[from]->cursors[to];
    const auto report =
        node::sync_with(nodes_[from]->service(), wire, builder_.chain(), clock_, options);
    expect(bool(report), fmt::format("node {} says of node {}, though nothing else happens: {}",
                                     from, to, report ? "" : report.error().message));
    if (!report) return;
    nodes_[from]->cursors[to] = report.value().cursor;
    look_at(from);
    look_at(to);
  }
  note(fmt::format("a round ends at {}", to_hex(nodes_[0]->tip().hash.view())));
}

bool Swarm::same_tips() const {
  return std::ranges::all_of(
      nodes_, [&](const auto& node) { return node->tip() == nodes_.front()->tip(); });
}

/// Where the chain holds a message no pool does; the others are in each wide pool.
bool Swarm::all_know_all() const {
  return std::ranges::all_of(written_, [&](const MessageId& id) {
    return std::ranges::all_of(wide_, [&](Index at) { return nodes_[at]->count(id) == 1; });
  });
}

void Swarm::agree() {
  // In each round the best chain comes one link further, whatever the order of the calls. A node
  // that leaves its branch for it then has messages back that others may never have seen: those
  // need as many rounds again, and wide nodes to go through.
  const std::size_t longest = *diameter(all_);
  const std::size_t longest_wide = *diameter(wide_);
  std::size_t rounds = 0;
  for (; !same_tips() && rounds < longest && !is_broken(); ++rounds) round();
  expect(same_tips(), fmt::format("no agreement on the chain after {} rounds", rounds));
  tally_.most_rounds = rounds;
  for (; !all_know_all() && rounds < longest + longest_wide && !is_broken(); ++rounds) round();
  expect(all_know_all(), fmt::format("messages did not reach all in {} rounds", rounds));
}

/// One more block takes all that waits.
void Swarm::bury() {
  clock_.advance(builder_.chain().rules.interval);
  mine(*wide_.begin());
  const std::size_t longest = *diameter(all_);
  for (std::size_t rounds = 0; !same_tips() && rounds < longest && !is_broken(); ++rounds) round();
  expect(same_tips(), "the last block did not reach all");
  std::set<MessageId> on_chain;
  std::size_t count = 0;
  auto& first = nodes_.front()->store();
  for (const auto& header : first.headers(Height{1}, kHeadersPerRequest).value()) {
    const auto block = first.block(header.hash, Bodies::with).value();
    const auto ids = chain::ids_of(*block);
    on_chain.insert(ids.begin(), ids.end());
    count += ids.size();
  }
  expect(count == on_chain.size(), "a message stands twice in the chain");
  expect(on_chain == std::set<MessageId>(written_.begin(), written_.end()),
         fmt::format("{} messages are in the chain, {} were written", count, written_.size()));
  for (const Index at : all_) {
    const auto waiting = nodes_[at]->store().pool(0).value().size();
    expect(waiting == 0, fmt::format("{} messages still wait at node {}", waiting, at));
  }
  for (int i = 0; i < 3; ++i) verify(up_to(kNodes - 1));
}

void Swarm::verify(Index at) {
  node::VerifyWish wish;
  wish.depth = node::Depth::full;
  const auto report = node::verify(nodes_[at]->store(), builder_.chain(), wish).value();
  expect(report.faults.empty(), fmt::format("node {} does not verify: {}", at,
                                            report.faults.empty() ? "" : report.faults[0].detail));
  expect(report.messages == written_.size(), "the verifier did not read all");
}

}  // namespace bmsg
