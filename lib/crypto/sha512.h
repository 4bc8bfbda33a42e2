// SHA-512: the one hash function. By OpenSSL's low-level calls, which need no start-up of its own.

#pragma once

#include <initializer_list>

#include "lib/core/bytes.h"
#include "lib/core/ids.h"

namespace bmsg::crypto {

/// H(bytes).
/// Source: FIPS 180-4.
Digest sha512(ByteView bytes);

/// H of the parts one after the other, without joining them in memory.
Digest sha512(std::initializer_list<ByteView> parts);

/// A hash in progress. Copy it to continue from a common beginning.
/// Threads: one at a time.
class Sha512 {
 public:
  Sha512();
  Sha512(const Sha512& other);
  Sha512& operator=(const Sha512& other);
  ~Sha512();

  Sha512& update(ByteView bytes);
  /// The hash of all that was given. The object is spent afterwards.
  Digest finish();

 private:
  alignas(8) unsigned char state_[224];  // SHA512_CTX, whose header stays out of this one.
};

}  // namespace bmsg::crypto
