#include "lib/chain/header_rules.h"

#include <fmt/format.h>

#include "lib/chain/block_hash.h"
#include "lib/chain/endorsement.h"
#include "lib/chain/schedule.h"
#include "lib/chain/work.h"
#include "lib/core/hex.h"

namespace bmsg::chain {
namespace {

template <class Fixed>
Violation differs(Rule rule, const Fixed& received, const Fixed& expected) {
  return Violation{rule, fmt::format("{} {}, expected {}", name_of(rule), to_hex(received.view()),
                                     to_hex(expected.view()))};
}

std::optional<Violation> find_place_violation(const Header& header, const HeaderContext& context) {
  const Header& parent = context.parent;
  if (header.height.value != std::uint64_t{parent.height.value} + 1) {
    return Violation{Rule::height, fmt::format("height {} after parent at {}", header.height.value,
                                               parent.height.value)};
  }
  if (header.previous != context.parent_hash) {
    return differs(Rule::previous, header.previous, context.parent_hash);
  }
  if (header.rules != context.chain.tag) {
    return differs(Rule::rules, header.rules, context.chain.tag);
  }
  if (header.past != context.past) return differs(Rule::past, header.past, context.past);
  // Time must rise, or out-of-order stamps could earn easier targets over and over.
  if (header.time <= parent.time) {
    return Violation{Rule::time,
                     fmt::format("time {}, parent's {}", header.time.value, parent.time.value)};
  }
  const CompactTarget bits = bits_needed(context.chain.rules, parent, header.time);
  if (header.bits != bits) {
    return Violation{Rule::bits,
                     fmt::format("bits {:08x}, expected {:08x}", header.bits.value, bits.value)};
  }
  return std::nullopt;
}

std::optional<Violation> find_pow_violation(const SealedHeader& sealed, const BlockHash& hash) {
  check(is_target(sealed.header.bits), "a schedule that gives no target");
  if (!meets(hash, sealed.header.bits)) {
    const auto target = target_of(sealed.header.bits);
    return Violation{Rule::work, fmt::format("hash {}, target {}", to_hex(hash.view().first(32)),
                                             to_hex(target->view()))};
  }
  if (!sealed.seal.empty()) {
    return Violation{Rule::seal, fmt::format("{} signatures on proof of work", sealed.seal.size())};
  }
  return std::nullopt;
}

std::optional<Violation> find_endorse_violation(const SealedHeader& sealed,
                                                const HeaderContext& context,
                                                const BlockHash& hash) {
  const ChainRules& chain = context.chain;
  // A free nonce would let one proposer make any number of blocks that say the same.
  if (sealed.header.nonce != 0) {
    return Violation{Rule::work, fmt::format("nonce {}, expected 0", sealed.header.nonce)};
  }
  const std::size_t needed = context.signatures_needed.value_or(chain.rules.endorse);
  return find_seal_violation(sealed.seal, hash, chain, needed);
}

}  // namespace

std::optional<Violation> find_violation(const SealedHeader& sealed, const HeaderContext& context) {
  if (auto violation = find_place_violation(sealed.header, context)) return violation;
  const BlockHash own = context.hash ? BlockHash() : hash_of(sealed.header);
  const BlockHash& hash = context.hash ? *context.hash : own;
  return context.chain.rules.mode == Mode::pow ? find_pow_violation(sealed, hash)
                                               : find_endorse_violation(sealed, context, hash);
}

Work work_of(const ChainRules& chain, const Header& header) {
  if (chain.rules.mode == Mode::endorse) return one_work();
  const auto target = target_of(header.bits);
  check(target.has_value(), "work of a header that breaks a rule");
  return work_of(*target);
}

}  // namespace bmsg::chain
