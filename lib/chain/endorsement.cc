#include "lib/chain/endorsement.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/crypto/sign.h"

namespace bmsg::chain {
namespace {

constexpr std::string_view kLabel = "bmsg1 endorse";

bool by_index(const SealEntry& a, const SealEntry& b) { return a.index < b.index; }

bool is_ascending(const Seal& seal) {
  const auto not_ascending = [](const SealEntry& a, const SealEntry& b) { return !by_index(a, b); };
  return std::ranges::adjacent_find(seal, not_ascending) == seal.end();
}

}  // namespace

Bytes endorsement_text(const ChainId& chain, const BlockHash& block) {
  Bytes text = to_bytes(kLabel);
  append(text, chain.view());
  append(text, block.view());
  return text;
}

std::optional<Violation> find_seal_violation(const Seal& seal, const BlockHash& block,
                                             const ChainRules& chain, std::size_t needed) {
  return find_signature_violation(seal, endorsement_text(chain.id, block), chain, needed);
}

std::optional<Violation> find_signature_violation(const Seal& seal, ByteView text,
                                                  const ChainRules& chain, std::size_t needed) {
  const auto& endorsers = chain.rules.endorsers;
  if (seal.size() < needed) {
    return Violation{Rule::seal, fmt::format("{} signatures, {} needed", seal.size(), needed)};
  }
  if (!is_ascending(seal)) return Violation{Rule::seal, "indices do not ascend"};
  if (!seal.empty() && seal.back().index >= endorsers.size()) {
    return Violation{Rule::seal,
                     fmt::format("index {}, {} endorsers", seal.back().index, endorsers.size())};
  }
  for (const SealEntry& entry : seal) {
    const auto key = relabel<IdentityKey>(endorsers[entry.index]);
    if (crypto::verify(key, text, entry.signature)) continue;
    return Violation{Rule::seal,
                     fmt::format("signature of endorser {} does not hold", entry.index)};
  }
  return std::nullopt;
}

Seal merge(const Seal& first, const Seal& second) {
  Seal merged;
  std::ranges::set_union(first, second, std::back_inserter(merged), by_index);
  return merged;
}

}  // namespace bmsg::chain
