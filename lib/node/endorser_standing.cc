#include "lib/node/endorser_standing.h"

#include <algorithm>

#include "lib/chain/evidence.h"
#include "lib/core/try.h"
#include "lib/node/rules_book.h"

namespace bmsg::node {
namespace {

/// Counts a block for whoever signed it under these rules.
void count(Standings& all, const SealedHeader& one, const chain::ChainRules& rules,
           std::uint32_t back) {
  if (one.header.rules != rules.tag) return;  // Its indices mean others.
  for (const SealEntry& entry : one.seal) {
    if (entry.index >= all.endorsers.size()) continue;
    EndorserStanding& who = all.endorsers[entry.index];
    ++who.signed_blocks;
    if (!who.last || *who.last < one.header.height) {
      who.last = one.header.height;
      who.last_time = one.header.time;
    }
    if (back < kLateBlocks) who.late = false;
  }
}

/// Those on the tip: whoever has signed none of them, though one waits for long, is late.
Result<Done> count_proposals(Standings& all, const ChainReader& chain, const Tip& tip,
                             const chain::ChainRules& rules, UnixSeconds now) {
  const std::uint64_t patience = chain::generation_seconds(rules.rules);
  std::vector<bool> has_signed(all.endorsers.size(), false);
  bool waits = false;
  BMSG_TRY_ASSIGN(const auto proposals, chain.proposals());
  for (const Proposal& one : proposals) {
    if (one.block.header.previous != tip.hash) continue;
    ++all.looked_at;
    ++all.proposals;
    const auto signatures = static_cast<std::uint32_t>(one.block.seal.size());
    all.best_proposal = std::max(all.best_proposal, signatures);
    count(all, {one.block.header, one.block.seal}, rules, 0);
    waits = waits || one.block.header.time.value + patience < now.value;
    for (const SealEntry& entry : one.block.seal)
      if (entry.index < has_signed.size()) has_signed[entry.index] = true;
  }
  for (EndorserStanding& who : all.endorsers)
    who.late = who.late || (waits && !has_signed[who.index]);
  return done;
}

}  // namespace

Result<Standings> standings(const ChainReader& chain, const chain::ChainRules& first,
                            UnixSeconds now, const std::vector<chain::Evidence>& posted) {
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  BMSG_TRY_ASSIGN(const auto best, chain.header(tip.hash));
  if (!best) return Error{Errc::corrupt, "the store lacks its tip"};
  BMSG_TRY_ASSIGN(const auto rules, rules_after(chain, first, tip.hash, best->sealed.header));
  Standings all{.needed = rules.rules.endorse, .endorsers = {}};
  for (std::size_t i = 0; i < rules.rules.endorsers.size(); ++i) {
    all.endorsers.push_back(
        {.index = static_cast<std::uint8_t>(i), .key = rules.rules.endorsers[i], .late = true});
  }
  const std::uint32_t top = tip.height.value;
  const Height from{top > kStandingBlocks ? top - kStandingBlocks + 1 : 1};
  BMSG_TRY_ASSIGN(const auto headers, chain.headers(from, kStandingBlocks));
  for (const StoredHeader& one : headers) {
    ++all.looked_at;
    count(all, one.sealed, rules, top - one.sealed.header.height.value);
  }
  // Too few blocks say nothing: not all sign each.
  if (all.looked_at < kLateBlocks) {
    for (EndorserStanding& who : all.endorsers) who.late = false;
  }
  BMSG_TRY(count_proposals(all, chain, tip, rules, now));
  BMSG_TRY_ASSIGN(auto evidence, chain.evidence());
  evidence.insert(evidence.end(), posted.begin(), posted.end());
  for (const chain::Evidence& one : evidence) {
    const auto key = chain::check_evidence(one);
    if (!key) return Error{Errc::corrupt, "kept evidence does not hold"};
    for (EndorserStanding& who : all.endorsers)
      who.signed_twice = who.signed_twice || who.key == key.value();
  }
  return all;
}

}  // namespace bmsg::node
