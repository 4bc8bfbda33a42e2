// PlaceSum: whether two lists of places hold the same, whatever their order, without keeping them.

#pragma once

#include <array>
#include <cstdint>

#include "lib/core/bytes.h"
#include "lib/core/ids.h"

namespace bmsg::node {

/// The sum of a keyed hash of each place: eight sums of 64 bits. Who does not know the key cannot
/// make two lists that differ and have one sum.
class PlaceSum {
 public:
  static constexpr std::size_t kKeyBytes = 16;

  /// Adds what hash() gave.
  void add(const Digest& hash);
  void add(const PlaceSum& other);

  bool operator==(const PlaceSum&) const = default;

 private:
  std::array<std::uint64_t, 8> sums_{};
  std::uint64_t count_ = 0;
};

/// Places to be hashed together.
class PlaceBatch {
 public:
  explicit PlaceBatch(ByteView key) : key_(to_bytes(key)) {}

  /// The first bytes of an id, and where it stands. Adds to `sum` from time to time.
  void add(ByteView id, std::uint64_t block, std::uint32_t index, PlaceSum& sum);
  void finish(PlaceSum& sum);

 private:
  Bytes key_;
  Bytes places_;
};

}  // namespace bmsg::node
