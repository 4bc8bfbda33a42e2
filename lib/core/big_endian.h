// Integers as big-endian bytes, appended and read.

#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "lib/core/bytes.h"

namespace bmsg {

/// Writes sizeof(T) bytes, most significant first; where they end.
template <std::unsigned_integral T>
std::uint8_t* store_be(std::uint8_t* out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    *out++ = static_cast<std::uint8_t>(value >> (8 * (sizeof(T) - 1 - i)));
  }
  return out;
}

/// Appends sizeof(T) bytes, most significant first.
template <std::unsigned_integral T>
void append_be(Bytes& out, T value) {
  std::uint8_t bytes[sizeof(T)];
  out.insert(out.end(), bytes, store_be(bytes, value));
}

/// The first sizeof(T) bytes of `bytes`, which must be there.
template <std::unsigned_integral T>
T load_be(const std::uint8_t* bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(static_cast<std::uint64_t>(value) << 8 | bytes[i]);
  }
  return value;
}

}  // namespace bmsg
