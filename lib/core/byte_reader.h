// ByteReader: takes values off the front of a view; after the first shortage nothing more comes.

#pragma once

#include <concepts>
#include <cstddef>

#include "lib/core/big_endian.h"
#include "lib/core/bytes.h"
#include "lib/core/fixed_bytes.h"

namespace bmsg {

/// Reads from bytes that the caller keeps alive. A decoder reads all its fields and then asks
/// finished(): true only if no read ran short and nothing is left.
class ByteReader {
 public:
  explicit ByteReader(ByteView bytes) : left_(bytes) {}

  /// The next big-endian integer; 0 if it is not all there.
  template <std::unsigned_integral T>
  T integer() {
    const ByteView taken = take(sizeof(T));
    return taken.size() == sizeof(T) ? load_be<T>(taken.data()) : T{0};
  }

  /// The next N bytes; zeros if they are not all there.
  template <class Fixed>
  Fixed fixed() {
    const ByteView taken = take(Fixed::kSize);
    return taken.size() == Fixed::kSize ? Fixed::from(taken) : Fixed();
  }

  /// The next `count` bytes, a view into the input; empty if they are not all there.
  ByteView take(std::size_t count) {
    if (short_ || count > left_.size()) {
      short_ = true;
      return {};
    }
    const ByteView taken = left_.first(count);
    left_ = left_.subspan(count);
    return taken;
  }

  ByteView rest() { return take(left_.size()); }
  std::size_t size_left() const { return left_.size(); }
  bool ran_short() const { return short_; }
  bool finished() const { return !short_ && left_.empty(); }

 private:
  ByteView left_;
  bool short_ = false;
};

}  // namespace bmsg
