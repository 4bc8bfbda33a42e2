#include "cli/no_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "cli/exit_code.h"

namespace bmsg::cli {
namespace {

std::string last_words;  // Made while there is memory.

void say(std::string_view text) { (void)!::write(STDERR_FILENO, text.data(), text.size()); }

/// As little as the heap asks the system for at a time.
bool is_memory_left() {
  constexpr std::size_t kStepBytes = 1 << 20;
  void* const piece =
      ::mmap(nullptr, kStepBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (piece == MAP_FAILED) return false;
  ::munmap(piece, kStepBytes);
  return true;
}

/// The C library gives up where it gets no memory for itself, and some libraries in C do so, too.
void on_abort(int signal) {
  if (!is_memory_left()) end_without_memory();
  ::signal(signal, SIG_DFL);
  ::raise(signal);
}

}  // namespace

void end_where_memory_ends(std::string text) {
  last_words = std::move(text);
  ::signal(SIGABRT, on_abort);
}

void end_without_memory() {
  if (last_words.empty()) {
    say("bmsg: error: ");
    say(kNoMemory);
    say("\n");
  }
  say(last_words);
  std::_Exit(static_cast<int>(ExitCode::os_error));
}

}  // namespace bmsg::cli

// In place of the C library's own for all that is linked into the program, by `--wrap` of the
// linker: RocksDB writes to where a failed allocation points, OpenSSL takes one for a wrong key.

namespace {

void* or_end(void* made) {
  if (made == nullptr) bmsg::cli::end_without_memory();
  return made;
}

}  // namespace

extern "C" {

void* __real_malloc(std::size_t size);
void* __real_calloc(std::size_t count, std::size_t size);
void* __real_realloc(void* given, std::size_t size);
void* __real_aligned_alloc(std::size_t alignment, std::size_t size);
int __real_posix_memalign(void** made, std::size_t alignment, std::size_t size);

void* __wrap_malloc(std::size_t size) { return or_end(__real_malloc(size)); }

void* __wrap_calloc(std::size_t count, std::size_t size) {
  return or_end(__real_calloc(count, size));
}

void* __wrap_realloc(void* given, std::size_t size) {
  if (size == 0) return __real_realloc(given, size);  // Gives it back.
  return or_end(__real_realloc(given, size));
}

void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size) {
  return or_end(__real_aligned_alloc(alignment, size));
}

int __wrap_posix_memalign(void** made, std::size_t alignment, std::size_t size) {
  const int error = __real_posix_memalign(made, alignment, size);
  if (error == ENOMEM) bmsg::cli::end_without_memory();
  return error;
}

}  // extern "C"
