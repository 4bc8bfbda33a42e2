// The lines of a swarm: which are down, which are dead one way, and what that does to open calls.

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "tests/support/swarm.h"

namespace bmsg {

bool Swarm::is_up(Index a, Index b) const {
  const bool parted = !side_.empty() && side_[a] != side_[b];
  return !parted && !down_.contains(std::minmax(a, b));
}

void Swarm::hang_up_dead_calls() {
  for (const auto& call : calls_) {
    if (!is_up(call->from, call->to)) call->wire->hang_up();
  }
}

void Swarm::flip_link() {
  const Index a = up_to(kNodes - 1);
  auto known = knows_[a].begin();
  std::advance(known, up_to(knows_[a].size() - 1));
  // As often up as down: most of those that are down are not hit by chance.
  if (!down_.empty() && chance(45)) {
    auto up = down_.begin();
    std::advance(up, up_to(down_.size() - 1));
    note(fmt::format("{}-{} is up", up->first, up->second));
    down_.erase(up);
  } else if (down_.insert(std::minmax(a, *known)).second) {
    note(fmt::format("{}-{} is down", a, *known));
    ++tally_.links_down;
  }
  hang_up_dead_calls();
}

/// A line that is dead one way: requests never arrive, or answers are lost after the remote acted.
void Swarm::flip_direction() {
  if (!silent_.empty() && chance(45)) {
    silent_.erase(silent_.begin());
    note("a line works both ways again");
  } else {
    const Index a = up_to(kNodes - 1);
    auto known = knows_[a].begin();
    std::advance(known, up_to(knows_[a].size() - 1));
    const Link link = chance(50) ? Link(a, *known) : Link(*known, a);
    note(fmt::format("{} no longer reaches {}", link.first, link.second));
    silent_.insert(link);
  }
  silence_calls();
}

void Swarm::silence_calls() {
  for (const auto& call : calls_)
    call->wire->silence(silent_.contains({call->from, call->to}),
                        silent_.contains({call->to, call->from}));
}

void Swarm::flip_partition() {
  note(side_.empty() ? "the world parts" : "the world is whole");
  if (!side_.empty()) return side_.clear();
  side_.assign(kNodes, false);
  for (std::size_t left = kNodes / 2; left > 0;) {
    const Index at = up_to(kNodes - 1);
    if (side_[at]) continue;
    side_[at] = true;
    --left;
  }
  ++tally_.partitions;
  hang_up_dead_calls();
}

}  // namespace bmsg
