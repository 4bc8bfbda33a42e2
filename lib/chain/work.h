// 256-bit numbers: targets, compact targets, and the work that orders chains.

#pragma once

#include <optional>
#include <string>

#include "lib/core/ids.h"

namespace bmsg::chain {

/// The target of a compact form; nullopt if it is 0, passes 2^256, or is not the one compact form
/// of its value.
std::optional<Target> target_of(CompactTarget compact);

/// Whether it has one.
bool is_target(CompactTarget compact);

/// The compact form of a target that is not 0. Drops low bytes.
/// Source: Bitcoin's arith_uint256, GetCompact.
CompactTarget compact_of(const Target& target);
/// Of a number whose first three bytes are `mantissa`, the first of them not 0, and that has
/// `exponent` bytes.
CompactTarget compact_of(std::uint32_t mantissa, unsigned exponent);

/// Whether a hash, by its first 32 bytes as a number, is at most the target.
bool meets(const BlockHash& hash, const Target& target);
/// The same for a compact form, which must be one.
bool meets(const BlockHash& hash, CompactTarget compact);

/// floor(2^256 / (target + 1)): the hashes that one block stands for.
Work work_of(const Target& target);

/// a + b; the largest number if it would not fit (nobody can do that much work).
Work sum(const Work& a, const Work& b);

/// 1, the work of a block on an endorse chain.
Work one_work();

/// Decimal digits: work overflows the numbers of JSON.
std::string to_decimal(const Work& work);

}  // namespace bmsg::chain
