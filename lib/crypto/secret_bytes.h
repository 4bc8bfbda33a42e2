// SecretBytes: key material. Moves, never copies, never prints; wiped at the end.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lib/core/bytes.h"

namespace bmsg::crypto {

/// Owned secret bytes. There is no comparison and no format on purpose.
/// Threads: one at a time.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size);
  /// Copies `bytes`; the caller wipes its own.
  static SecretBytes from(ByteView bytes);
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  /// A deliberate second copy, for a second owner.
  SecretBytes clone() const;

  std::size_t size() const { return bytes_.size(); }
  ByteView view() const { return bytes_; }
  std::span<std::uint8_t> writable() { return bytes_; }

 private:
  Bytes bytes_;
};

/// Overwrites memory in a way that the compiler keeps.
void wipe(std::span<std::uint8_t> bytes);

/// True if equal, in a time that does not depend on where they differ.
bool equal_in_constant_time(ByteView a, ByteView b);

}  // namespace bmsg::crypto
