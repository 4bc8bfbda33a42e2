// Which of two chains wins: a pure function of the two, whatever came first.

#pragma once

#include "lib/core/ids.h"

namespace bmsg::chain {

/// A tip as fork choice sees it.
struct Contender {
  Work work;  // Of all blocks after genesis.
  BlockHash hash;
};

/// True if `a` wins: more work, or the same work and the smaller hash.
/// By hash, not by arrival: nodes that meet over files have no arrival order in common.
bool is_better(const Contender& a, const Contender& b);

}  // namespace bmsg::chain
