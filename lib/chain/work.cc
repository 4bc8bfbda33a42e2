#include "lib/chain/work.h"

#include <boost/multiprecision/cpp_int.hpp>

#include "lib/core/check.h"

namespace bmsg::chain {
namespace {

using boost::multiprecision::uint512_t;  // Holds 2^256, and sums and quotients on the way to it.

constexpr unsigned kMantissaBytes = 3;
constexpr unsigned kExponentMax = 33;  // Every mantissa that is written so passes 2^256 beyond.
constexpr std::uint32_t kMantissaMask = 0x7fffff;
constexpr std::uint32_t kSignBit = 0x800000;

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

std::optional<Target> target_of(CompactTarget compact) {
  const unsigned exponent = compact.value >> 24;
  const uint512_t mantissa = compact.value & kMantissaMask;
  if (exponent > kExponentMax) return std::nullopt;
  const uint512_t number = exponent > kMantissaBytes
                               ? uint512_t(mantissa << 8 * (exponent - kMantissaBytes))
                               : uint512_t(mantissa >> 8 * (kMantissaBytes - exponent));
  if (number == 0 || msb(number) >= 8 * Target::kSize) return std::nullopt;
  const auto target = fixed_of<Target>(number);
  if (compact_of(target) != compact) return std::nullopt;
  return target;
}

CompactTarget compact_of(const Target& target) {
  check(!target.is_zero(), "the compact form of nothing");
  const uint512_t number = number_of(target);
  auto bytes = static_cast<unsigned>(msb(number) / 8 + 1);
  auto mantissa = static_cast<std::uint32_t>(
      bytes <= kMantissaBytes ? uint512_t(number << 8 * (kMantissaBytes - bytes))
                              : uint512_t(number >> 8 * (bytes - kMantissaBytes)));
  if ((mantissa & kSignBit) != 0) {
    mantissa >>= 8;
    ++bytes;
  }
  return CompactTarget{bytes << 24 | mantissa};
}

bool meets(const BlockHash& hash, const Target& target) {
  return prefix_of<Target>(hash) <= target;
}

Work work_of(const Target& target) {
  return fixed_of<Work>((uint512_t(1) << 256) / (number_of(target) + 1));
}

Work sum(const Work& a, const Work& b) { return fixed_of<Work>(number_of(a) + number_of(b)); }

Work one_work() { return fixed_of<Work>(1); }

std::string to_decimal(const Work& work) { return number_of(work).str(); }

}  // namespace bmsg::chain
