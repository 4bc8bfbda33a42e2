#include "lib/chain/schedule.h"

#include <algorithm>
#include <bit>
#include <boost/multiprecision/cpp_int.hpp>

#include "lib/chain/work.h"
#include "lib/core/check.h"

namespace bmsg::chain {
namespace {

using boost::multiprecision::int256_t;

constexpr int kRadixBits = 16;
constexpr std::int64_t kShiftMax = 240;  // From here 2^16 and more times it passes 2^256.
constexpr std::uint64_t kSecondsMax = std::uint64_t{1} << 31;

/// log2 of the factor between anchor and result, in units of 2^-16. Cut off where the result has
/// long been a bound, so that any input fits.
std::int64_t exponent_of(std::int64_t seconds, std::int64_t blocks, const AsertParameters& given) {
  constexpr std::int64_t kBound = std::int64_t{1} << 40;
  constexpr std::int64_t kPlain = std::int64_t{1} << 45;  // Up to here 64 bits hold every step.
  const auto is_plain = [](std::int64_t number) { return number > -kPlain && number < kPlain; };
  if (blocks == 0 && is_plain(seconds) && is_plain(given.interval)) {
    const std::int64_t late = seconds - given.interval;
    return std::clamp(late * (1 << kRadixBits) / given.halflife, -kBound, kBound);
  }
  const int256_t late = int256_t(seconds) - int256_t(given.interval) * (int256_t(blocks) + 1);
  const int256_t exponent = late * (1 << kRadixBits) / given.halflife;  // Towards zero.
  return static_cast<std::int64_t>(std::clamp<int256_t>(exponent, -kBound, kBound));
}

/// 2^16 · 2^(fraction / 2^16), by the cubic of aserti3-2d; 64 bits hold every step.
std::uint64_t factor_of(std::uint64_t fraction) {
  const std::uint64_t cubic = 195766423245049 * fraction + 971821376 * fraction * fraction +
                              5127 * fraction * fraction * fraction + (std::uint64_t{1} << 47);
  return (std::uint64_t{1} << kRadixBits) + (cubic >> 48);
}

/// The compact form of number · 2^shift, cut to a whole number, of 1 at least.
CompactTarget compact_of_shifted(std::uint64_t number, std::int64_t shift) {
  const std::int64_t bits = std::bit_width(number) + shift;
  if (bits <= 1) return compact_of(0x010000, 1);
  const auto bytes = static_cast<unsigned>((bits + 7) / 8);
  // Its first 24 bits from the byte on where it begins; what is cut off twice is cut off once.
  const std::int64_t left = shift - 8 * (std::int64_t{bytes} - 3);
  if (shift >= 0 || bytes >= 3)
    return compact_of(static_cast<std::uint32_t>(left >= 0 ? number << left : number >> -left),
                      bytes);
  return compact_of(static_cast<std::uint32_t>((number >> -shift) << (24 - 8 * bytes)), bytes);
}

}  // namespace

CompactTarget asert(CompactTarget anchor, std::int64_t seconds, std::int64_t blocks,
                    const AsertParameters& parameters) {
  check(parameters.halflife > 0, "a schedule without a halflife");
  if (!is_target(anchor) || !is_target(parameters.floor)) return parameters.floor;

  const std::int64_t exponent = exponent_of(seconds, blocks, parameters);
  const std::int64_t shift = (exponent >> kRadixBits) - kRadixBits;
  if (shift >= kShiftMax) return parameters.floor;
  // 24 bits and 17: all that a compact form says, without a number of 256 bits.
  const std::uint64_t factor = factor_of(static_cast<std::uint64_t>(exponent & 0xffff));
  const std::uint64_t number = (anchor.value & 0xffffff) * factor;
  const std::int64_t place = 8 * (std::int64_t{anchor.value >> 24} - 3);
  // Compact forms are in the order of their values.
  return std::min(compact_of_shifted(number, place + shift), parameters.floor);
}

CompactTarget bits_needed(const RulesText& rules, const Header& parent, UnixSeconds time) {
  if (rules.mode == Mode::endorse) return CompactTarget{0};
  check(time > parent.time, "a block not after its parent");
  const std::uint64_t seconds = std::min(time.value - parent.time.value, kSecondsMax);
  return asert(parent.bits, static_cast<std::int64_t>(seconds), 0,
               AsertParameters{rules.interval, rules.halflife, rules.floor});
}

}  // namespace bmsg::chain
