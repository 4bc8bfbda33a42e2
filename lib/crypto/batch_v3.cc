#include "lib/crypto/batch_kernel.h"

namespace bmsg::crypto {
namespace {

typedef std::uint64_t Words __attribute__((vector_size(32)));

}  // namespace

void batch_v3(const BatchShape& shape, const unsigned char* inputs, std::size_t groups,
              unsigned char* digests) {
  hash_batch<Words>(shape, inputs, groups, digests);
}

}  // namespace bmsg::crypto
