#include "lib/chain/work.h"

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <cstring>

#include "lib/core/check.h"

namespace bmsg::chain {
namespace {

using boost::multiprecision::uint512_t;  // Holds 2^256, and sums and quotients on the way to it.

constexpr unsigned kMantissaBytes = 3;
constexpr unsigned kExponentMax = 33;  // Every mantissa that is written so passes 2^256 beyond.
constexpr std::uint32_t kMantissaMin = 0x8000;
constexpr std::uint32_t kMantissaMax = 0x7fffff;

template <class Fixed>
uint512_t number_of(const Fixed& fixed) {
  uint512_t number;
  import_bits(number, fixed.array().begin(), fixed.array().end());
  return number;
}

/// The largest value if `number` does not fit.
template <class Fixed>
Fixed fixed_of(uint512_t number) {
  if (msb(number + 1) >= 8 * Fixed::kSize) return Fixed::filled(0xff);
  Fixed fixed;
  for (std::size_t i = Fixed::kSize; i-- > 0; number >>= 8) {
    fixed.data()[i] = static_cast<std::uint8_t>(number & 0xff);
  }
  return fixed;
}

}  // namespace

// A compact form is exponent and mantissa of base 256: mantissa · 256^(exponent - 3). There is one
// form of each value: the mantissa fills its three bytes, but its highest bit is never set.
bool is_target(CompactTarget compact) {
  const unsigned exponent = compact.value >> 24;
  const std::uint32_t mantissa = compact.value & 0xffffff;
  if (exponent == 0 || exponent > kExponentMax) return false;
  if (mantissa < kMantissaMin || mantissa > kMantissaMax) return false;
  if (exponent == kExponentMax && mantissa > 0xffff) return false;
  return exponent >= kMantissaBytes || mantissa << (8 + 8 * exponent) == 0;
}

std::optional<Target> target_of(CompactTarget compact) {
  if (!is_target(compact)) return std::nullopt;
  const unsigned exponent = compact.value >> 24;
  const std::uint32_t mantissa = compact.value & 0xffffff;
  Target target;
  for (unsigned i = 0; i < kMantissaBytes; ++i) {
    const auto byte = static_cast<std::uint8_t>(mantissa >> (16 - 8 * i));
    const int at = static_cast<int>(Target::kSize + i) - static_cast<int>(exponent);
    if (at >= 0 && at < static_cast<int>(Target::kSize)) target.data()[at] = byte;
  }
  return target;
}

CompactTarget compact_of(const Target& target) {
  check(!target.is_zero(), "the compact form of nothing");
  const std::uint8_t* const bytes = target.data();
  const auto first = static_cast<unsigned>(
      std::find_if(bytes, bytes + Target::kSize, [](auto byte) { return byte != 0; }) - bytes);
  const auto at = [&](unsigned i) { return i < Target::kSize ? std::uint32_t{bytes[i]} : 0; };
  return compact_of(at(first) << 16 | at(first + 1) << 8 | at(first + 2),
                    static_cast<unsigned>(Target::kSize) - first);
}

CompactTarget compact_of(std::uint32_t mantissa, unsigned exponent) {
  if (mantissa > kMantissaMax) return CompactTarget{(exponent + 1) << 24 | mantissa >> 8};
  return CompactTarget{exponent << 24 | mantissa};
}

bool meets(const BlockHash& hash, const Target& target) {
  return std::memcmp(hash.data(), target.data(), Target::kSize) <= 0;
}

// Without its 32 bytes: to write them one by one and read them at once would cost more than all the
// rest of what is asked of a header.
bool meets(const BlockHash& hash, CompactTarget compact) {
  check(is_target(compact), "a compact form of no target");
  const unsigned exponent = compact.value >> 24;
  if (exponent < kMantissaBytes) return meets(hash, *target_of(compact));
  const std::uint8_t* const bytes = hash.data();
  const auto is_zero = [](std::uint8_t byte) { return byte == 0; };
  // What stands above the mantissa, what stands at its bytes, and what stands below.
  std::size_t at = exponent < kExponentMax ? Target::kSize - exponent : 0;
  if (!std::all_of(bytes, bytes + at, is_zero)) return false;
  std::uint32_t top = exponent < kExponentMax ? bytes[at++] : 0;
  top = top << 8 | bytes[at++];
  top = top << 8 | bytes[at++];
  const std::uint32_t mantissa = compact.value & 0xffffff;
  if (top != mantissa) return top < mantissa;
  return std::all_of(bytes + at, bytes + Target::kSize, is_zero);
}

Work work_of(const Target& target) {
  return fixed_of<Work>((uint512_t(1) << 256) / (number_of(target) + 1));
}

Work sum(const Work& a, const Work& b) { return fixed_of<Work>(number_of(a) + number_of(b)); }

Work one_work() { return fixed_of<Work>(1); }

std::string to_decimal(const Work& work) { return number_of(work).str(); }

}  // namespace bmsg::chain
