#include "lib/node/forks.h"

#include <algorithm>

#include "lib/chain/fork_choice.h"
#include "lib/core/try.h"

namespace bmsg::node {
namespace {

/// Where a side branch leaves the best chain.
Result<Height> base_of(const ChainReader& chain, StoredHeader at) {
  while (at.branch == Branch::side) {
    BMSG_TRY_ASSIGN(auto parent, chain.header(at.sealed.header.previous));
    if (!parent) return Error{Errc::corrupt, "the store lacks the parent of a stored block"};
    at = std::move(*parent);
  }
  return at.sealed.header.height;
}

}  // namespace

Result<std::vector<Fork>> find_forks(const ChainReader& chain) {
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  BMSG_TRY_ASSIGN(auto tips, chain.tips());
  std::vector<Fork> forks;
  for (StoredHeader& one : tips) {
    if (!chain::is_better({one.total_work, one.hash}, {tip.work, tip.hash})) continue;
    BMSG_TRY_ASSIGN(const Height base, base_of(chain, one));
    forks.push_back({std::move(one), base, tip.height.value - base.value});
  }
  std::ranges::sort(forks, [](const Fork& a, const Fork& b) {
    return chain::is_better({a.tip.total_work, a.tip.hash}, {b.tip.total_work, b.tip.hash});
  });
  return forks;
}

}  // namespace bmsg::node
