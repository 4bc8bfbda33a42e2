// The target a block needs: aserti3-2d, re-anchored at every parent, at the block's own time.
//
// Nobody is paid to mine here, so gaps are normal. A schedule anchored at genesis would turn a
// week's gap into a week of cheap blocks; one that looks only at past blocks stays stuck when a
// strong miner leaves. This one is a leaky bucket: an idle chain rests at the floor without credit,
// a burst doubles the price every halflife/interval early blocks, and the price falls while nobody
// mines.

#pragma once

#include <cstdint>

#include "lib/chain/rules_text.h"
#include "lib/core/header.h"

namespace bmsg::chain {

/// Parameters of the schedule.
struct AsertParameters {
  std::int64_t interval = 600;   // Seconds.
  std::int64_t halflife = 7200;  // Seconds.
  CompactTarget floor;           // The easiest target that is ever asked for.
};

/// Units:  seconds and blocks since the anchor; `blocks` is 0 in bmsg and kept for published runs.
/// Source: BCH aserti3-2d; bmsg-format(5), "Difficulty".
CompactTarget asert(CompactTarget anchor, std::int64_t seconds, std::int64_t blocks,
                    const AsertParameters& parameters);

/// What `bits` must say in a block at `time` after `parent`; `time` must be after the parent's.
/// 0 on an endorse chain.
CompactTarget bits_needed(const RulesText& rules, const Header& parent, UnixSeconds time);

}  // namespace bmsg::chain
