// EndorserStanding: who of the endorsers has signed of late, and who has not.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lib/chain/rules_text.h"
#include "lib/node/store.h"

namespace bmsg::node {

/// Blocks and proposals that are looked at: the newest.
inline constexpr std::uint32_t kStandingBlocks = 64;
/// Who signed none of so many is late; and whoever lets a proposal wait for longer than all have
/// for one block.
inline constexpr std::uint32_t kLateBlocks = 8;

struct EndorserStanding {
  std::uint8_t index = 0;
  EndorserKey key;
  std::uint32_t signed_blocks = 0;  // Of those that are looked at.
  std::optional<Height> last = {};  // What it signed last.
  std::optional<UnixSeconds> last_time = {};
  bool late = false;
  bool signed_twice = false;  // There is evidence.
};

struct Standings {
  std::uint32_t needed = 0;  // Signatures.
  std::uint32_t looked_at = 0;
  std::uint32_t proposals = 0;
  std::uint32_t best_proposal = 0;          // Signatures of the one that has most.
  std::vector<EndorserStanding> endorsers;  // In the order of the rules.
};

/// By the rules for the next block. `posted` is evidence from elsewhere than the store, which must
/// hold. Errors: as ChainReader.
Result<Standings> standings(const ChainReader& chain, const chain::ChainRules& first,
                            UnixSeconds now, const std::vector<chain::Evidence>& posted = {});

}  // namespace bmsg::node
