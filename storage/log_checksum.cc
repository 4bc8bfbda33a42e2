#include "storage/log_checksum.h"

#include <atomic>
#include <cstring>
#include <string_view>

namespace bmsg::storage {
namespace {

std::atomic<bool> is_fast = false;

#if defined(__x86_64__)
[[gnu::target("sse4.2")]] std::uint32_t fast_checksum(std::uint32_t before, const char* bytes,
                                                      std::size_t size) {
  std::uint64_t sum = ~before;
  for (; size >= sizeof(std::uint64_t); size -= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    sum = __builtin_ia32_crc32di(sum, word);
    bytes += sizeof word;
  }
  auto last = static_cast<std::uint32_t>(sum);
  for (; size > 0; --size)
    last = __builtin_ia32_crc32qi(last, static_cast<unsigned char>(*bytes++));
  return ~last;
}

bool has_instruction() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2");
}
#else
std::uint32_t fast_checksum(std::uint32_t before, const char* bytes, std::size_t size) {
  return plain_log_checksum(before, bytes, size);
}

bool has_instruction() { return false; }
#endif

}  // namespace

std::uint32_t log_checksum(std::uint32_t before, const char* bytes, std::size_t size) {
  return is_fast.load(std::memory_order_relaxed) ? fast_checksum(before, bytes, size)
                                                 : plain_log_checksum(before, bytes, size);
}

void choose_log_checksum() {
  // RFC 3720: what it says of these is e3069283.
  constexpr std::string_view kKnown = "123456789";
  is_fast = has_instruction() && fast_checksum(0, kKnown.data(), kKnown.size()) == 0xe3069283U;
}

}  // namespace bmsg::storage
