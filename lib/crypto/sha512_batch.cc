#include "lib/crypto/sha512_batch.h"

#include <algorithm>

#include "lib/core/check.h"
#include "lib/crypto/search_kernels.h"
#include "lib/crypto/sha512.h"
#include "lib/crypto/sha512_schedule.h"

namespace bmsg::crypto {
namespace {

constexpr std::size_t kBlockBytes = 128;
constexpr std::size_t kLengthBytes = 16;

BatchShape shape_of(std::size_t size) {
  BatchShape shape{};
  shape.size = size;
  shape.whole = size / kBlockBytes * kBlockBytes;
  const bool fits = size - shape.whole + 1 + kLengthBytes <= kBlockBytes;
  shape.padded = fits ? kBlockBytes : 2 * kBlockBytes;
  std::uint64_t padding[16] = {std::uint64_t{1} << 63};
  padding[15] = size * 8;
  fill_schedule(padding, shape.padding_schedule);
  return shape;
}

/// Whether a build of the kernel says what OpenSSL says, with padding of each kind.
bool is_right(const BatchKernel& kernel) {
  for (const std::size_t size :
       {std::size_t{72}, std::size_t{129}, std::size_t{250}, std::size_t{256}}) {
    Bytes inputs(size * (kernel.lanes + 1));
    for (std::size_t i = 0; i < inputs.size(); ++i)
      inputs[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    const auto digests = sha512_each_by(kernel, inputs, size);
    for (std::size_t i = 0; i < digests.size(); ++i) {
      if (digests[i] != sha512(ByteView(inputs).subspan(i * size, size))) return false;
    }
  }
  return true;
}

const BatchKernel& kernel() {
  static const BatchKernel chosen = [] {
    const auto kernels = supported_batch_kernels();
    const auto found = std::ranges::find_if(kernels, is_right);
    check(found != kernels.end(), "no build of the batch kernel agrees with OpenSSL");
    return *found;
  }();
  return chosen;
}

}  // namespace

std::vector<BatchKernel> supported_batch_kernels() {
  std::vector<BatchKernel> kernels;
#if defined(__x86_64__)
  for (const SearchKernels supported = supported_search_kernels();
       const SearchKernel& search : std::span(supported.list, supported.count)) {
    if (search.find == search_v4) kernels.push_back({search.name, batch_v4, 8});
    if (search.find == search_v3) kernels.push_back({search.name, batch_v3, 4});
  }
#endif
  kernels.push_back({"x86-64", batch_x86_64, 2});
  return kernels;
}

std::vector<Digest> sha512_each_by(const BatchKernel& kernel, ByteView inputs, std::size_t size) {
  check(size > 0 && inputs.size() % size == 0, "a batch of inputs of several sizes");
  const std::size_t count = inputs.size() / size;
  const std::size_t groups = count / kernel.lanes;
  std::vector<Digest> digests(count);
  static_assert(sizeof(Digest) == 64);
  if (groups > 0) kernel.hash(shape_of(size), inputs.data(), groups, digests[0].data());
  for (std::size_t i = groups * kernel.lanes; i < count; ++i)
    digests[i] = sha512(inputs.subspan(i * size, size));
  return digests;
}

std::vector<Digest> sha512_each(ByteView inputs, std::size_t size) {
  return sha512_each_by(kernel(), inputs, size);
}

}  // namespace bmsg::crypto
