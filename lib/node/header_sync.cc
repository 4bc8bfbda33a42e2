#include "lib/node/header_sync.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/chain/charter.h"
#include "lib/chain/fork_choice.h"
#include "lib/chain/genesis.h"
#include "lib/chain/header_rules.h"
#include "lib/chain/work.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "lib/node/sync_session.h"

namespace bmsg::node {
namespace {

std::uint64_t latest_usable(const Clock& clock) {
  return clock.now().value + static_cast<std::uint64_t>(kTimeAheadMax.count());
}

Error changed() { return Error{Errc::try_again, "the chain changed while it was read"}; }

std::vector<BlockHash> hashes_of(const std::vector<SealedHeader>& sealed) {
  std::vector<Header> headers;
  headers.reserve(sealed.size());
  for (const SealedHeader& one : sealed) headers.push_back(one.header);
  return chain::hashes_of(headers);
}

void add(ChainPast& past, const Header& header, const chain::ChainRules& chain) {
  past.hash = chain::hash_of(header);
  past.last = header;
  (void)past.tree.add(chain::leaf_hash(past.hash.view()));  // Only the peaks count.
  if (header.height.value > 0) past.work = chain::sum(past.work, chain::work_of(chain, header));
}

/// From all headers, where the node cannot tell otherwise.
Result<ChainPast> sum_headers(Service& local, const chain::ChainRules& chain, Height up_to) {
  ChainPast past{.last = {}, .hash = {}, .work = {}, .tree = {}, .rules = chain};
  add(past, chain::genesis_header(chain), chain);
  while (past.last.height < up_to) {
    const Height from{past.last.height.value + 1};
    const std::uint32_t count = std::min(kHeadersPerRequest, up_to.value - from.value + 1);
    BMSG_TRY_ASSIGN(const auto headers, local.headers(from, count));
    if (headers.empty()) return changed();
    for (const SealedHeader& sealed : headers) {
      if (sealed.header.previous != past.hash) return changed();
      if (sealed.header.rules != past.rules.tag) {
        BMSG_TRY_ASSIGN(const auto block, local.block(past.hash, Bodies::without));
        if (!block) return changed();
        BMSG_TRY_ASSIGN(past.rules, chain::rules_after(*block, past.rules));
      }
      add(past, sealed.header, chain);
    }
  }
  return past;
}

}  // namespace

std::uint64_t headers_max(const chain::RulesText& rules, UnixSeconds now) {
  const std::uint64_t until = now.value + static_cast<std::uint64_t>(kTimeAheadMax.count());
  const std::uint64_t elapsed = until - std::min<std::uint64_t>(until, rules.time);
  // Times rise by a second at least; but nobody is blamed for our own clock if it stands far back.
  if (rules.mode == chain::Mode::endorse)
    return std::max<std::uint64_t>(elapsed, kStagedHeadersMax);
  const std::uint64_t slots = elapsed / rules.interval + 1;
  const std::uint64_t error = slots * rules.halflife / (4096ULL * rules.interval);
  const std::uint64_t burst = 64ULL * rules.halflife / rules.interval;
  return slots + error + burst + 1;
}

ForkFinder::ForkFinder(Service& local, Transport& peer, const Tip& mine, const Tip& theirs)
    : local_(local),
      peer_(peer),
      mine_(mine),
      lower_(std::min(mine.height.value, theirs.height.value)) {}

Result<std::optional<Parting>> ForkFinder::step() {
  const Height from{lower_ > back_ ? lower_ - back_ : 1};
  back_ = 2 * back_ + 1;
  BMSG_TRY_ASSIGN(const auto theirs, peer_.headers(from, peer_.headers_at_once(from)));
  if (theirs.empty())
    return Error{Errc::protocol, "it gives no headers of the chain that it claims"};
  BMSG_TRY_ASSIGN(const auto ours, local_.headers(from, kHeadersPerRequest));
  if (ours.empty() && from.value != mine_.height.value + 1) return changed();
  const BlockHash before = ours.empty() ? mine_.hash : ours.front().header.previous;
  if (theirs.front().header.previous != before) {
    if (from.value > 1) return std::optional<Parting>();
    return Error{Errc::protocol, "its headers do not follow genesis"};
  }
  const auto same = [](const SealedHeader& a, const SealedHeader& b) {
    return a.header == b.header;
  };
  const auto parting = std::ranges::mismatch(theirs, ours, same).in1;
  const auto common = static_cast<std::uint32_t>(parting - theirs.begin());
  return std::optional(Parting{Height{from.value + common - 1}, {parting, theirs.end()}});
}

HeaderSync::HeaderSync(Service& local, Transport& peer, const chain::ChainRules& chain,
                       const Clock& clock, const Tip& mine, const Tip& claimed,
                       std::size_t staged_max)
    : local_(local),
      peer_(peer),
      chain_(chain),
      rules_(chain),
      clock_(clock),
      mine_(mine),
      claimed_(claimed),
      staged_max_(staged_max),
      finder_(local, peer, mine, claimed) {}

std::uint32_t HeaderSync::height() const { return parent_.height.value; }

Result<bool> HeaderSync::step() {
  if (anchored_) {
    const Height from{height() + 1};
    const std::uint32_t count = peer_.headers_at_once(from);
    BMSG_TRY_ASSIGN(const auto headers, peer_.headers(from, count));
    if (!headers.empty() && headers.front().header.previous != parent_hash_) {
      if (peer_.is_live()) return changed();
      return Error{Errc::protocol, "its headers do not continue each other"};
    }
    return stage(headers, count);
  }
  BMSG_TRY_ASSIGN(const auto fork, finder_.step());
  if (!fork) return true;
  BMSG_TRY(anchor(*fork));
  const bool all = height() + fork->after.size() >= claimed_.height.value;
  // Below the claimed height more must follow; at it, what there is has to do.
  return stage(fork->after, all ? kHeadersPerRequest : 0);
}

Result<Done> HeaderSync::anchor(const Parting& fork) {
  BMSG_TRY_ASSIGN(auto past, local_.past(fork.height));
  if (!past) {
    BMSG_TRY_ASSIGN(past, sum_headers(local_, chain_, fork.height));
  }
  const bool follows = fork.after.empty() || fork.after.front().header.previous == past->hash;
  if (!follows) return changed();
  rules_ = past->rules;
  staged_.fork = fork.height;
  staged_.work = past->work;
  parent_ = past->last;
  parent_hash_ = past->hash;
  past_ = std::move(past->tree);
  anchored_ = true;
  return done;
}

/// The next header says that its parent changed the rules: its charter is looked at, wherever the
/// block is.
/// The block of the last header that was staged, as the peer has it. A mirror is asked by height.
Result<std::optional<Block>> HeaderSync::parent_block() {
  if (peer_.is_live()) return peer_.block(parent_hash_, Bodies::without);
  BMSG_TRY_ASSIGN(auto blocks, peer_.blocks(Height{height()}, 1, Bodies::without));
  return blocks.empty() ? std::nullopt : std::optional(std::move(blocks.front()));
}

Result<Done> HeaderSync::follow_charter() {
  BMSG_TRY_ASSIGN(auto block, local_.block(parent_hash_, Bodies::without));
  if (!block) {
    BMSG_TRY_ASSIGN(block, parent_block());
  }
  if (!block) return changed();
  if (chain::hash_of(block->header) != parent_hash_)
    return Error{Errc::protocol, "it gives another block than it was asked for"};
  BMSG_TRY_ASSIGN(rules_, chain::rules_after(*block, rules_));
  return done;
}

Result<bool> HeaderSync::stage(const std::vector<SealedHeader>& headers, std::uint32_t asked) {
  const std::uint64_t most = headers_max(chain_.rules, clock_.now());
  const std::vector<BlockHash> hashes = hashes_of(headers);
  for (std::size_t i = 0; i < headers.size(); ++i) {
    const SealedHeader& sealed = headers[i];
    if (height() >= most) return Error{Errc::protocol, "more headers than anybody can have made"};
    staged_.is_part = staged_.hashes.size() >= staged_max_;
    if (staged_.is_part) return finish();
    const bool is_changed =
        sealed.header.rules != rules_.tag && rules_.rules.mode == chain::Mode::endorse;
    if (is_changed) BMSG_TRY(follow_charter());
    const chain::HeaderContext context{rules_, parent_, parent_hash_, past_.root(), {}, hashes[i]};
    if (const auto violation = chain::find_violation(sealed, context)) {
      return Error{Errc::bad_input,
                   fmt::format("header {} breaks the rule {}: {}", height() + 1,
                               chain::name_of(violation->rule), violation->detail)};
    }
    staged_.held = sealed.header.time.value > latest_usable(clock_);
    if (staged_.held) return finish();
    parent_ = sealed.header;
    parent_hash_ = hashes[i];
    (void)past_.add(chain::leaf_hash(parent_hash_.view()));  // Only the peaks count.
    staged_.hashes.push_back(parent_hash_);
    staged_.work = chain::sum(staged_.work, chain::work_of(rules_, parent_));
  }
  const bool delivered = height() >= claimed_.height.value && staged_.work >= claimed_.work;
  if (delivered || headers.size() < asked) return finish();
  return true;
}

Result<bool> HeaderSync::finish() {
  const bool better = chain::is_better({staged_.work, parent_hash_}, {mine_.work, mine_.hash});
  lacks_work_ = !staged_.held && !staged_.is_part && (!better || staged_.work < claimed_.work);
  if (lacks_work_) return Error{Errc::protocol, "the work that it claims is not in its headers"};
  if (!better) staged_.hashes.clear();
  return false;
}

}  // namespace bmsg::node
