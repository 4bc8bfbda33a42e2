#include "lib/node/endorser.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/chain/block_hash.h"
#include "lib/chain/charter.h"
#include "lib/chain/endorsement.h"
#include "lib/chain/evidence.h"
#include "lib/core/try.h"
#include "lib/crypto/sign.h"

namespace bmsg::node {
namespace {

constexpr int kRoundsMax = 16;  // In one go: a block for each, at most.
constexpr std::uint32_t kLookedBack = 64;

/// What the decision rests on.
struct Ground {
  chain::ChainRules rules;  // In force for the next block.
  Tip tip;
  Header parent;
  std::uint8_t index = 0;
  UnixSeconds now;
  std::vector<SealedHeader> proposals;  // On the tip.

  std::uint64_t generation() const {
    return chain::generation_of(rules.rules, parent, std::max(now, parent.time));
  }
  Endorsed entry(const Header& header) const {
    return {header.height, header.previous, chain::generation_of(rules.rules, parent, header.time),
            generation(), chain::hash_of(header)};
  }
  UnixSeconds began(const Endorsed& entry) const {
    const std::uint64_t first = std::min(entry.generation, entry.clock_generation);
    return UnixSeconds{parent.time.value + first * chain::generation_seconds(rules.rules)};
  }
};

bool has_signed(const Seal& seal, std::uint8_t index) {
  return std::ranges::find(seal, index, &SealEntry::index) != seal.end();
}

class Round {
 public:
  Round(const EndorserParts& parts, const EndorserKey& key) : parts_(parts), key_(key) {}

  /// Errors: Errc::denied.
  Result<Done> look();
  /// Whether the log lacks what our key has signed: then it is an old copy.
  Result<bool> knows_more_than_log();
  /// The header to sign, ours or another's; nullopt with a reason in words.
  Result<std::optional<Block>> choose(std::string& reason);
  Result<EndorsedBlock> sign(Block block);
  bool is_ours(const Block& block) const { return block.seal.empty(); }

 private:
  Result<std::optional<Block>> propose(std::string& reason);
  const SealedHeader* best() const;

  const EndorserParts& parts_;
  EndorserKey key_;
  Ground ground_;
};

Result<Done> Round::look() {
  BMSG_TRY_ASSIGN(const auto info, parts_.service.info());
  BMSG_TRY_ASSIGN(const auto text, parts_.service.rules_in_force());
  BMSG_TRY_ASSIGN(ground_.rules, chain::parse_rules_of(parts_.chain.id, text));
  const auto index = endorser_index(ground_.rules.rules, key_);
  if (!index)
    return Error{Errc::denied, "the key of this store is not among the endorsers of the chain",
                 "'bmsg endorsers' lists them; a charter adds one"};
  ground_.index = *index;
  ground_.tip = info.tip;
  ground_.now = parts_.clock.now();
  BMSG_TRY_ASSIGN(const auto parent, parts_.service.block(info.tip.hash, Bodies::without));
  if (!parent) return Error{Errc::try_again, "the chain changed while it was read"};
  ground_.parent = parent->header;
  ground_.proposals.clear();
  BMSG_TRY_ASSIGN(const auto notes, parts_.service.proposals());
  const std::uint64_t latest =
      ground_.now.value + static_cast<std::uint64_t>(kTimeAheadMax.count());
  for (const ProposalNote& note : notes) {
    BMSG_TRY_ASSIGN(const auto block, parts_.service.proposal(note.hash));
    // Who reads other rules than these counts its turns in another way.
    const bool counts = block && block->header.previous == info.tip.hash &&
                        block->header.rules == ground_.rules.tag &&
                        block->header.time.value <= latest;
    if (counts) ground_.proposals.push_back({block->header, block->seal});
  }
  return done;
}

Result<bool> Round::knows_more_than_log() {
  const auto is_unknown = [&](const SealedHeader& one, std::uint8_t index) {
    const BlockHash hash = chain::hash_of(one.header);
    return has_signed(one.seal, index) &&
           std::ranges::find(parts_.log.entries(), hash, &Endorsed::hash) ==
               parts_.log.entries().end();
  };
  if (std::ranges::any_of(ground_.proposals, [&](const SealedHeader& one) {
        return one.header.time > parts_.log.since() && is_unknown(one, ground_.index);
      }))
    return true;
  const std::uint32_t top = ground_.tip.height.value;
  const Height from{top > kLookedBack ? top - kLookedBack + 1 : 1};
  BMSG_TRY_ASSIGN(const auto headers, parts_.service.headers(from, kLookedBack));
  return std::ranges::any_of(headers, [&](const SealedHeader& one) {
    // An index of other rules may be somebody else's.
    return one.header.rules == ground_.rules.tag && one.header.time > parts_.log.since() &&
           is_unknown(one, ground_.index);
  });
}

/// Of those that we may sign and have not, the one that is nearest to its seal.
const SealedHeader* Round::best() const {
  const SealedHeader* found = nullptr;
  const auto rank = [](const SealedHeader& one) {
    return std::tuple(-static_cast<std::int64_t>(one.seal.size()), one.header.time,
                      chain::hash_of(one.header));
  };
  for (const SealedHeader& one : ground_.proposals) {
    const Endorsed entry = ground_.entry(one.header);
    if (has_signed(one.seal, ground_.index)) continue;
    if (!parts_.log.allows(entry, ground_.began(entry))) continue;
    if (found == nullptr || rank(one) < rank(*found)) found = &one;
  }
  return found;
}

Result<std::optional<Block>> Round::propose(std::string& reason) {
  const std::uint64_t generation = ground_.generation();
  for (const SealedHeader& one : ground_.proposals) {
    if (ground_.entry(one.header).generation == generation) return std::optional<Block>();
  }
  BMSG_TRY_ASSIGN(auto work, parts_.service.block_template({.bury = 1}));
  const bool fits = work.block.header.previous == ground_.tip.hash &&
                    work.block.header.rules == ground_.rules.tag;
  if (!work.has_work || !fits) return std::optional<Block>();
  const std::uint64_t begin =
      ground_.parent.time.value + generation * chain::generation_seconds(ground_.rules.rules);
  const std::uint64_t turn = begin + proposer_delay(ground_.rules.rules, ground_.index,
                                                    work.block.header.height, generation);
  if (ground_.now.value < turn) {
    reason = fmt::format("our turn to propose is in {} s", turn - ground_.now.value);
    return std::optional<Block>();
  }
  const Endorsed entry = ground_.entry(work.block.header);
  if (!parts_.log.allows(entry, ground_.began(entry))) {
    reason = "we have signed another block in this turn";
    return std::optional<Block>();
  }
  return std::optional(std::move(work.block));
}

/// What others proposed comes first: two half-signed blocks are worth less than one.
Result<std::optional<Block>> Round::choose(std::string& reason) {
  for (const SealedHeader& one : ground_.proposals) {
    if (has_signed(one.seal, ground_.index))
      reason = fmt::format("a proposal has {} of {} signatures, ours among them", one.seal.size(),
                           ground_.rules.rules.endorse);
  }
  if (const SealedHeader* chosen = best())
    return parts_.service.proposal(chain::hash_of(chosen->header));
  return propose(reason);
}

Result<EndorsedBlock> Round::sign(Block block) {
  EndorsedBlock made{.hash = chain::hash_of(block.header),
                     .height = block.header.height,
                     .proposed = is_ours(block)};
  // On disk before the signature leaves: a second one cannot be made after a crash.
  BMSG_TRY(parts_.log.add(ground_.entry(block.header)));
  const Bytes text = chain::endorsement_text(parts_.chain.id, made.hash);
  block.seal = {{ground_.index, crypto::sign(parts_.seed, text)}};
  BMSG_TRY_ASSIGN(const auto outcome, parts_.service.submit_block(block));
  if (outcome.verdict == Verdict::refused) {
    return Error{Errc::try_again,
                 fmt::format("our node refuses what we signed: {}",
                             outcome.violation ? outcome.violation->detail : "no reason given")};
  }
  BMSG_TRY_ASSIGN(const auto info, parts_.service.info());
  made.sealed = info.tip.hash == made.hash;
  return made;
}

}  // namespace

std::uint64_t proposer_delay(const chain::RulesText& rules, std::uint8_t index, Height height,
                             std::uint64_t generation) {
  const std::uint64_t n = rules.endorsers.size();
  const std::uint64_t turned = (height.value % n + generation % n) % n;
  return (index + n - turned) % n * rules.interval;
}

std::optional<std::uint8_t> endorser_index(const chain::RulesText& rules, const EndorserKey& key) {
  const auto found = std::ranges::find(rules.endorsers, key);
  if (found == rules.endorsers.end()) return std::nullopt;
  return static_cast<std::uint8_t>(found - rules.endorsers.begin());
}

Result<EndorseReport> endorse(const EndorserParts& parts, bool dry) {
  EndorseReport report;
  for (int i = 0; i < kRoundsMax; ++i) {
    report.waits_for.clear();
    Round round(parts, parts.key);
    BMSG_TRY(round.look());
    BMSG_TRY_ASSIGN(const bool is_old, round.knows_more_than_log());
    if (is_old) {
      report.log_was_old = true;
      BMSG_TRY(parts.log.distrust(parts.clock.now()));
    }
    BMSG_TRY_ASSIGN(auto chosen, round.choose(report.waits_for));
    if (!chosen) return report;
    if (dry) {
      report.blocks.push_back({.hash = chain::hash_of(chosen->header),
                               .height = chosen->header.height,
                               .proposed = round.is_ours(*chosen)});
      return report;
    }
    BMSG_TRY_ASSIGN(const auto made, round.sign(std::move(*chosen)));
    report.blocks.push_back(made);
  }
  return report;
}

}  // namespace bmsg::node
