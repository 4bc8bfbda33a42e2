// SHA-512 of many inputs at once: headers, messages, nodes of trees, stamps.

#pragma once

#include <span>
#include <vector>

#include "lib/core/bytes.h"
#include "lib/core/ids.h"
#include "lib/crypto/batch_kernels.h"

namespace bmsg::crypto {

/// H of each of the inputs, `size` bytes each, that lie one after the other in `inputs`.
/// Threads: any.
/// Source:  FIPS 180-4.
std::vector<Digest> sha512_each(ByteView inputs, std::size_t size);

/// H of each of the inputs, whatever their sizes. Those of about one size are hashed together.
/// Threads: any.
std::vector<Digest> sha512_each(std::span<const ByteView> inputs);

/// A build of the kernel, and how many inputs it takes at once.
struct BatchKernel {
  const char* name;
  BatchFunction* hash;
  std::size_t lanes;
};

/// The builds that this machine can run, fastest first. For tests, and to choose from.
std::vector<BatchKernel> supported_batch_kernels();

/// The same by one of them. What does not fill its lanes is hashed one by one.
std::vector<Digest> sha512_each_by(const BatchKernel& kernel, ByteView inputs, std::size_t size);
std::vector<Digest> sha512_each_by(const BatchKernel& kernel, std::span<const ByteView> inputs);

}  // namespace bmsg::crypto
