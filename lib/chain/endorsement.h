// Seals: what an endorser signs, how many signatures are good, how two seals are merged.

#pragma once

#include <optional>

#include "lib/chain/rules.h"
#include "lib/chain/rules_text.h"
#include "lib/core/bytes.h"
#include "lib/core/header.h"

namespace bmsg::chain {

/// "bmsg1 endorse" ‖ chain id ‖ block hash.
Bytes endorsement_text(const ChainId& chain, const BlockHash& block);

/// Finds what is wrong with a seal: an index out of range, a signature that does not hold, fewer
/// than `needed` signatures.
std::optional<Violation> find_seal_violation(const Seal& seal, const BlockHash& block,
                                             const ChainRules& chain, std::size_t needed);

/// The same of signatures over another text.
std::optional<Violation> find_signature_violation(const Seal& seal, ByteView text,
                                                  const ChainRules& chain, std::size_t needed);

/// Union by index; of two signatures with one index the first seal's stays.
Seal merge(const Seal& first, const Seal& second);

}  // namespace bmsg::chain
