#include "lib/node/endorser_standing.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <vector>

#include "lib/chain/evidence.h"
#include "lib/core/try.h"
#include "lib/node/rules_book.h"

namespace bmsg::node {
namespace {

/// Counts blocks for the keys that signed them, whatever index they had under the rules of then.
class Count {
 public:
  Count(const ChainReader& chain, const chain::ChainRules& now, Standings& all)
      : chain_(chain), all_(all), chances_(all.endorsers.size()) {
    by_tag_.emplace(now.tag, now.rules.endorsers);
  }

  /// `back`: how many blocks came after it.
  Result<Done> add(const SealedHeader& one, std::uint32_t back) {
    BMSG_TRY_ASSIGN(const auto* const keys, keys_of(one.header.rules));
    for (EndorserStanding& who : all_.endorsers) {
      const auto key = std::ranges::find(*keys, who.key);
      if (key == keys->end()) continue;
      if (back < kLateBlocks) ++chances_[who.index];
      if (!has_signed(one.seal, key - keys->begin())) continue;
      ++who.signed_blocks;
      if (back < kLateBlocks) who.late = false;
      if (who.last && *who.last >= one.header.height) continue;
      who.last = one.header.height;
      who.last_time = one.header.time;
    }
    return done;
  }
  /// Whether it could have signed so many that it is late if it signed none.
  bool had_chances(const EndorserStanding& who) const { return chances_[who.index] >= kLateBlocks; }

 private:
  using Keys = std::vector<EndorserKey>;

  static bool has_signed(const Seal& seal, std::ptrdiff_t index) {
    return std::ranges::any_of(seal, [&](const SealEntry& entry) { return entry.index == index; });
  }
  Result<const Keys*> keys_of(const RulesTag& tag) {
    const auto known = by_tag_.find(tag);
    if (known != by_tag_.end()) return &known->second;
    BMSG_TRY_ASSIGN(const auto rules, rules_with_tag(chain_, tag));
    if (!rules) return Error{Errc::corrupt, "the store lacks rules that a block follows"};
    return &by_tag_.emplace(tag, rules->rules.endorsers).first->second;
  }

  const ChainReader& chain_;
  Standings& all_;
  std::vector<std::uint32_t> chances_;
  std::map<RulesTag, Keys> by_tag_;
};

/// Those on the tip: whoever has signed none of them, though one waits for long, is late.
Result<Done> count_proposals(Standings& all, const ChainReader& chain, const Tip& tip,
                             const chain::ChainRules& rules, UnixSeconds now, Count& count) {
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
    BMSG_TRY(count.add({one.block.header, one.block.seal}, 0));
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
  Count count(chain, rules, all);
  for (const StoredHeader& one : headers) {
    ++all.looked_at;
    BMSG_TRY(count.add(one.sealed, top - one.sealed.header.height.value));
  }
  // Too few blocks say nothing: not all sign each.
  for (EndorserStanding& who : all.endorsers) who.late = who.late && count.had_chances(who);
  BMSG_TRY(count_proposals(all, chain, tip, rules, now, count));
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
