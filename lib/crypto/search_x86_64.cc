#include "lib/crypto/search_kernel.h"

namespace bmsg::crypto {

bool search_x86_64(const SearchBlock& block, std::uint64_t start, std::uint64_t count,
                   std::uint64_t& nonce) {
  return search<std::uint64_t>(block, start, count, nonce);
}

}  // namespace bmsg::crypto
