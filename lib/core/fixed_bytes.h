// FixedBytes<N, Tag>: N bytes with a type of their own, so that two kinds cannot change places.

#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "lib/core/bytes.h"
#include "lib/core/check.h"

namespace bmsg {

/// A value of exactly N bytes, zero unless given. Compares bytewise.
template <std::size_t N, class Tag>
class FixedBytes {
 public:
  static constexpr std::size_t kSize = N;

  constexpr FixedBytes() = default;
  explicit constexpr FixedBytes(const std::array<std::uint8_t, N>& bytes) : bytes_(bytes) {}

  /// Copies `bytes`, which must be N long.
  static FixedBytes from(ByteView bytes) {
    check(bytes.size() == N, "fixed bytes of another length");
    FixedBytes made;
    std::ranges::copy(bytes, made.bytes_.begin());
    return made;
  }
  static constexpr FixedBytes filled(std::uint8_t byte) {
    FixedBytes made;
    made.bytes_.fill(byte);
    return made;
  }

  ByteView view() const { return bytes_; }
  const std::uint8_t* data() const { return bytes_.data(); }
  std::uint8_t* data() { return bytes_.data(); }
  const std::array<std::uint8_t, N>& array() const { return bytes_; }
  bool is_zero() const {
    return std::ranges::all_of(bytes_, [](std::uint8_t byte) { return byte == 0; });
  }

  auto operator<=>(const FixedBytes&) const = default;

 private:
  std::array<std::uint8_t, N> bytes_{};
};

/// For unordered containers. Ids are hashes, so their last bytes are spread already (their first
/// may be zeros that work has put there).
struct FixedBytesHash {
  template <std::size_t N, class Tag>
  std::size_t operator()(const FixedBytes<N, Tag>& value) const {
    static_assert(N >= sizeof(std::size_t));
    std::size_t hash = 0;
    for (std::size_t i = N - sizeof(hash); i < N; ++i) hash = hash << 8 | value.data()[i];
    return hash;
  }
};

}  // namespace bmsg
