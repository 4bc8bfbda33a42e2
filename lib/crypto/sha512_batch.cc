#include "lib/crypto/sha512_batch.h"

#include <algorithm>
#include <utility>

#include "lib/core/big_endian.h"
#include "lib/core/check.h"
#include "lib/crypto/search_kernels.h"
#include "lib/crypto/sha512.h"
#include "lib/crypto/sha512_schedule.h"

namespace bmsg::crypto {
namespace {

constexpr std::size_t kBlockBytes = 128;
constexpr std::size_t kLengthBytes = 16;
constexpr std::size_t kBlocksMax = 128;  // Of an input that is worth a copy with its padding.

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

/// Inputs that have their padding already, so many blocks each.
BatchShape padded_shape(std::size_t blocks) {
  BatchShape shape{};
  shape.size = shape.whole = blocks * kBlockBytes;
  shape.is_padded = true;
  return shape;
}

std::size_t blocks_of(std::size_t size) {
  return (size + 1 + kLengthBytes + kBlockBytes - 1) / kBlockBytes;
}

/// Writes the input and its padding, `bytes` in all, which must be those of whole blocks.
void write_padded(ByteView input, std::uint8_t* out, std::size_t bytes) {
  std::uint8_t* const end = std::ranges::copy(input, out).out;
  std::fill(end, out + bytes, std::uint8_t{0});
  *end = 0x80;
  store_be(out + bytes - sizeof(std::uint64_t), std::uint64_t{input.size()} * 8);
}

/// Blocks that an input takes, and its place among the inputs.
using Sized = std::pair<std::size_t, std::size_t>;

/// Inputs that take equally many blocks, as many at once as there are lanes. A lane that nobody
/// fills does no harm.
void hash_alike(const BatchKernel& kernel, std::span<const ByteView> inputs,
                std::span<const Sized> alike, std::vector<Digest>& digests) {
  const BatchShape shape = padded_shape(alike.front().first);
  Bytes padded(kernel.lanes * shape.size);
  std::vector<Digest> found(kernel.lanes);
  for (; !alike.empty(); alike = alike.subspan(std::min(kernel.lanes, alike.size()))) {
    const auto group = alike.first(std::min(kernel.lanes, alike.size()));
    for (std::size_t i = 0; i < group.size(); ++i)
      write_padded(inputs[group[i].second], padded.data() + i * shape.size, shape.size);
    kernel.hash(shape, padded.data(), 1, found[0].data());
    for (std::size_t i = 0; i < group.size(); ++i) digests[group[i].second] = found[i];
  }
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

std::vector<Digest> sha512_each_by(const BatchKernel& kernel, std::span<const ByteView> inputs) {
  std::vector<Sized> sized;
  sized.reserve(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    sized.emplace_back(blocks_of(inputs[i].size()), i);
  std::ranges::sort(sized);
  std::vector<Digest> digests(inputs.size());
  for (std::span<const Sized> left = sized; !left.empty();) {
    const std::size_t blocks = left.front().first;
    const auto end =
        std::ranges::find_if(left, [&](const Sized& one) { return one.first > blocks; });
    const auto alike = left.first(static_cast<std::size_t>(end - left.begin()));
    left = left.subspan(alike.size());
    // Fewer than half of the lanes cost more than one by one.
    const std::size_t rest = blocks > kBlocksMax ? alike.size() : alike.size() % kernel.lanes;
    const std::size_t alone = rest * 2 < kernel.lanes || blocks > kBlocksMax ? rest : 0;
    for (const Sized& one : alike.last(alone)) digests[one.second] = sha512(inputs[one.second]);
    if (alone < alike.size())
      hash_alike(kernel, inputs, alike.first(alike.size() - alone), digests);
  }
  return digests;
}

std::vector<Digest> sha512_each(ByteView inputs, std::size_t size) {
  return sha512_each_by(kernel(), inputs, size);
}

std::vector<Digest> sha512_each(std::span<const ByteView> inputs) {
  return sha512_each_by(kernel(), inputs);
}

}  // namespace bmsg::crypto
