// Loaded before a program by the tests: a chosen call on a file fails as the system would let it.
// BMSG_FAIL_COUNT names a file of 16 bytes where calls and failures are counted; BMSG_FAIL_AT is
// the number of the call, from 1; BMSG_FAIL_REASON is the errno. BMSG_FAIL_ALWAYS: all later ones
// fail too. With EMFILE only openings count, else what makes, changes and syncs regular files and
// directories; a failing write has written half.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdlib>

namespace {

struct Counters {
  std::atomic<std::uint64_t> calls{0};
  std::atomic<std::uint64_t> failures{0};
};
Counters own_counters;
Counters* counters = &own_counters;
std::uint64_t chosen = 0;
int reason = EIO;
bool is_lasting = false;

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

/// Programs that this one starts are left alone.
__attribute__((constructor)) void begin() {
  if (const char* at = std::getenv("BMSG_FAIL_AT")) chosen = std::strtoull(at, nullptr, 10);
  if (const char* given = std::getenv("BMSG_FAIL_REASON")) reason = std::atoi(given);
  is_lasting = std::getenv("BMSG_FAIL_ALWAYS") != nullptr;
  if (const char* file = std::getenv("BMSG_FAIL_COUNT")) {
    static const auto real = next<int (*)(const char*, int, ...)>("open");
    const int descriptor = real(file, O_RDWR | O_CLOEXEC);
    void* shared = mmap(nullptr, 16, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (descriptor < 0 || shared == MAP_FAILED) std::abort();
    counters = static_cast<Counters*>(shared);
    close(descriptor);
  }
  unsetenv("LD_PRELOAD");
}

bool fails() {
  const std::uint64_t call = ++counters->calls;
  if (chosen == 0 || call < chosen || (call > chosen && !is_lasting)) return false;
  ++counters->failures;
  errno = reason;
  return true;
}

bool change_fails() { return reason != EMFILE && fails(); }

bool opening_fails(int flags) {
  return (reason == EMFILE || (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) &&
         fails();
}

bool is_file(int descriptor) {
  struct stat found {};
  return fstat(descriptor, &found) == 0 && (S_ISREG(found.st_mode) || S_ISDIR(found.st_mode));
}

mode_t mode_in(int flags, va_list arguments) {
  const bool has_one = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  return has_one ? static_cast<mode_t>(va_arg(arguments, unsigned)) : 0;
}

using Open = int (*)(const char*, int, ...);
using OpenAt = int (*)(int, const char*, int, ...);

}  // namespace

extern "C" {

int open(const char* file, int flags, ...) {
  static const auto real = next<Open>("open");
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(flags, arguments);
  va_end(arguments);
  return opening_fails(flags) ? -1 : real(file, flags, mode);
}

int open64(const char* file, int flags, ...) {
  static const auto real = next<Open>("open64");
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(flags, arguments);
  va_end(arguments);
  return opening_fails(flags) ? -1 : real(file, flags, mode);
}

int openat(int in, const char* file, int flags, ...) {
  static const auto real = next<OpenAt>("openat");
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = mode_in(flags, arguments);
  va_end(arguments);
  return opening_fails(flags) ? -1 : real(in, file, flags, mode);
}

int __open_2(const char* file, int flags) { return open(file, flags); }
int __open64_2(const char* file, int flags) { return open64(file, flags); }

ssize_t write(int to, const void* bytes, std::size_t count) {
  static const auto real = next<ssize_t (*)(int, const void*, std::size_t)>("write");
  if (!is_file(to) || !change_fails()) return real(to, bytes, count);
  (void)!real(to, bytes, count / 2);
  errno = reason;
  return -1;
}

ssize_t pwrite(int to, const void* bytes, std::size_t count, off_t at) {
  static const auto real = next<ssize_t (*)(int, const void*, std::size_t, off_t)>("pwrite");
  if (!is_file(to) || !change_fails()) return real(to, bytes, count, at);
  (void)!real(to, bytes, count / 2, at);
  errno = reason;
  return -1;
}

ssize_t pwrite64(int to, const void* bytes, std::size_t count, off_t at) {
  return pwrite(to, bytes, count, at);
}

int fsync(int of) {
  static const auto real = next<int (*)(int)>("fsync");
  return is_file(of) && change_fails() ? -1 : real(of);
}

int fdatasync(int of) {
  static const auto real = next<int (*)(int)>("fdatasync");
  return is_file(of) && change_fails() ? -1 : real(of);
}

int rename(const char* from, const char* to) {
  static const auto real = next<int (*)(const char*, const char*)>("rename");
  return change_fails() ? -1 : real(from, to);
}

int link(const char* from, const char* to) {
  static const auto real = next<int (*)(const char*, const char*)>("link");
  return change_fails() ? -1 : real(from, to);
}

int linkat(int from_in, const char* from, int to_in, const char* to, int flags) {
  static const auto real = next<int (*)(int, const char*, int, const char*, int)>("linkat");
  return change_fails() ? -1 : real(from_in, from, to_in, to, flags);
}

int mkdir(const char* directory, mode_t mode) {
  static const auto real = next<int (*)(const char*, mode_t)>("mkdir");
  return change_fails() ? -1 : real(directory, mode);
}

int ftruncate(int of, off_t size) {
  static const auto real = next<int (*)(int, off_t)>("ftruncate");
  return change_fails() ? -1 : real(of, size);
}

int ftruncate64(int of, off_t size) { return ftruncate(of, size); }

}  // extern "C"
