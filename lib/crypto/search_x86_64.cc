#include "lib/crypto/search_kernel.h"

namespace bmsg::crypto {
namespace {

typedef std::uint64_t Words __attribute__((vector_size(16)));

}  // namespace

bool search_x86_64(const SearchBlock& block, std::uint64_t start, std::uint64_t count,
                   std::uint64_t& nonce) {
  return search<Words>(block, start, count, nonce);
}

}  // namespace bmsg::crypto
