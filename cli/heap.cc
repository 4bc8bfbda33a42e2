#include "cli/heap.h"

#include <malloc.h>
#include <string.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<bool> overwrites = false;

}  // namespace

namespace bmsg::cli {

void overwrite_what_is_freed() { overwrites = true; }

void give_large_memory_back() {
#ifdef M_MMAP_THRESHOLD
  constexpr int kLargeBytes = 1 << 20;
  ::mallopt(M_MMAP_THRESHOLD, kLargeBytes);
#endif
}

void grow_in_large_steps() {
#ifdef M_TOP_PAD
  constexpr int kStepBytes = 256 << 10;
  ::mallopt(M_TOP_PAD, kStepBytes);
#endif
}

}  // namespace bmsg::cli

// In place of the library's own, for all of the program. The forms for arrays call these; a
// sanitizer has all others of its own, and takes what one form gave for wrong in another.

void* operator new(std::size_t size) {
  return std::malloc(size == 0 ? 1 : size);  // Or the process ends: cli/no_memory.h.
}

void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return operator new(size); }

void operator delete(void* freed) noexcept {
  if (freed != nullptr && overwrites.load(std::memory_order_relaxed))
    ::explicit_bzero(freed, ::malloc_usable_size(freed));
  std::free(freed);
}

void operator delete(void* freed, std::size_t) noexcept { operator delete(freed); }
