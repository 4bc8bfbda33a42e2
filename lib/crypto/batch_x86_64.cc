#include "lib/crypto/batch_kernel.h"

namespace bmsg::crypto {
namespace {

typedef std::uint64_t Words __attribute__((vector_size(16)));

}  // namespace

void batch_x86_64(const BatchShape& shape, const unsigned char* inputs, std::size_t groups,
                  unsigned char* digests) {
  hash_batch<Words>(shape, inputs, groups, digests);
}

}  // namespace bmsg::crypto
