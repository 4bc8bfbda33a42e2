// Loaded before a program by the tests: a chosen allocation of the program and of what is linked
// into it gets nothing, and so does every later one; the C library's own go on.
// BMSG_NO_MEMORY_COUNT names a file of 16 bytes where allocations and refusals are counted;
// BMSG_NO_MEMORY_AT is the number of the allocation, from 1, of those after main() has begun.

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* given, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

struct Counters {
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> refusals{0};
};
Counters own_counters;
Counters* counters = &own_counters;
std::uint64_t chosen = 0;
std::uintptr_t program_begin = 0;
std::uintptr_t program_end = 0;

using Main = int (*)(int, char**, char**);
Main program_main = nullptr;
std::atomic<bool> has_begun = false;

/// Of the first object, which is the program.
int note_program(dl_phdr_info* object, std::size_t, void*) {
  program_begin = UINTPTR_MAX;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& part = object->dlpi_phdr[i];
    if (part.p_type != PT_LOAD) continue;
    const std::uintptr_t begin = object->dlpi_addr + part.p_vaddr;
    if (begin < program_begin) program_begin = begin;
    if (begin + part.p_memsz > program_end) program_end = begin + part.p_memsz;
  }
  return 1;
}

/// Programs that this one starts are left alone.
__attribute__((constructor)) void begin() {
  if (const char* at = std::getenv("BMSG_NO_MEMORY_AT")) chosen = std::strtoull(at, nullptr, 10);
  if (const char* file = std::getenv("BMSG_NO_MEMORY_COUNT")) {
    const int descriptor = open(file, O_RDWR | O_CLOEXEC);
    void* shared = mmap(nullptr, 16, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (descriptor < 0 || shared == MAP_FAILED) std::abort();
    counters = static_cast<Counters*>(shared);
    close(descriptor);
  }
  dl_iterate_phdr(note_program, nullptr);
  unsetenv("LD_PRELOAD");
}

bool is_refused(const void* caller) {
  const auto place = reinterpret_cast<std::uintptr_t>(caller);
  if (!has_begun || place < program_begin || place >= program_end) return false;
  const std::uint64_t call = ++counters->calls;
  if (chosen == 0 || call < chosen) return false;
  ++counters->refusals;
  errno = ENOMEM;
  return true;
}

int counted_main(int count, char** words, char** environment) {
  has_begun = true;
  return program_main(count, words, environment);
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
  return is_refused(__builtin_return_address(0)) ? nullptr : __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) {
  return is_refused(__builtin_return_address(0)) ? nullptr : __libc_calloc(count, size);
}

void* realloc(void* given, std::size_t size) {
  return is_refused(__builtin_return_address(0)) ? nullptr : __libc_realloc(given, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return is_refused(__builtin_return_address(0)) ? nullptr : __libc_memalign(alignment, size);
}

int posix_memalign(void** made, std::size_t alignment, std::size_t size) {
  if (is_refused(__builtin_return_address(0))) return ENOMEM;
  *made = __libc_memalign(alignment, size);
  return *made == nullptr ? ENOMEM : 0;
}

int __libc_start_main(Main main, int count, char** words, void (*begin)(), void (*end)(),
                      void (*unload)(), void* stack) {
  using Start = int (*)(Main, int, char**, void (*)(), void (*)(), void (*)(), void*);
  const auto real = reinterpret_cast<Start>(dlsym(RTLD_NEXT, "__libc_start_main"));
  program_main = main;
  return real(counted_main, count, words, begin, end, unload, stack);
}

}  // extern "C"
