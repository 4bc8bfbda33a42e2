#include "lib/chain/schedule.h"

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>

#include "lib/chain/work.h"
#include "lib/core/check.h"

namespace bmsg::chain {
namespace {

using boost::multiprecision::int256_t;
using boost::multiprecision::uint512_t;

constexpr int kRadixBits = 16;
constexpr std::int64_t kShiftMax = 240;  // From here 2^16 and more times it passes 2^256.
constexpr std::uint64_t kSecondsMax = std::uint64_t{1} << 31;

/// log2 of the factor between anchor and result, in units of 2^-16. Cut off where the result has
/// long been a bound, so that any input fits.
std::int64_t exponent_of(std::int64_t seconds, std::int64_t blocks, const AsertParameters& given) {
  const int256_t late = int256_t(seconds) - int256_t(given.interval) * (int256_t(blocks) + 1);
  const int256_t exponent = late * (1 << kRadixBits) / given.halflife;  // Towards zero.
  const int256_t bound = int256_t(1) << 40;
  return static_cast<std::int64_t>(std::clamp<int256_t>(exponent, -bound, bound));
}

/// 2^16 · 2^(fraction / 2^16), by the cubic of aserti3-2d; 64 bits hold every step.
std::uint64_t factor_of(std::uint64_t fraction) {
  const std::uint64_t cubic = 195766423245049 * fraction + 971821376 * fraction * fraction +
                              5127 * fraction * fraction * fraction + (std::uint64_t{1} << 47);
  return (std::uint64_t{1} << kRadixBits) + (cubic >> 48);
}

uint512_t number_of(const Target& target) {
  uint512_t number;
  import_bits(number, target.array().begin(), target.array().end());
  return number;
}

Target target_of_number(uint512_t number) {
  Target target;
  for (std::size_t i = Target::kSize; i-- > 0; number >>= 8) {
    target.data()[i] = static_cast<std::uint8_t>(number & 0xff);
  }
  return target;
}

uint512_t shifted(const uint512_t& number, std::int64_t left) {
  if (left <= -512) return 0;
  return left >= 0 ? uint512_t(number << left) : uint512_t(number >> -left);
}

}  // namespace

CompactTarget asert(CompactTarget anchor, std::int64_t seconds, std::int64_t blocks,
                    const AsertParameters& parameters) {
  check(parameters.halflife > 0, "a schedule without a halflife");
  const auto anchor_target = target_of(anchor);
  const auto floor_target = target_of(parameters.floor);
  if (!anchor_target || !floor_target) return parameters.floor;

  const std::int64_t exponent = exponent_of(seconds, blocks, parameters);
  const std::int64_t shift = (exponent >> kRadixBits) - kRadixBits;
  if (shift >= kShiftMax) return parameters.floor;
  const std::uint64_t factor = factor_of(static_cast<std::uint64_t>(exponent & 0xffff));
  const uint512_t number = shifted(number_of(*anchor_target) * factor, shift);

  if (number > number_of(*floor_target)) return parameters.floor;
  return compact_of(target_of_number(number == 0 ? uint512_t(1) : number));
}

CompactTarget bits_needed(const RulesText& rules, const Header& parent, UnixSeconds time) {
  if (rules.mode == Mode::endorse) return CompactTarget{0};
  check(time > parent.time, "a block not after its parent");
  const std::uint64_t seconds = std::min(time.value - parent.time.value, kSecondsMax);
  return asert(parent.bits, static_cast<std::int64_t>(seconds), 0,
               AsertParameters{rules.interval, rules.halflife, rules.floor});
}

}  // namespace bmsg::chain
