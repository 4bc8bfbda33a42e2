// Loaded before a program by the tests: it ends with SIGKILL at a chosen call that changes a file,
// as if somebody had killed it just then. BMSG_KILL_COUNT names a file of 8 bytes where the calls
// are counted; BMSG_KILL_AT is the number of the fatal one, from 1, which then never happens, or
// happens by half where BMSG_KILL_HALF is set and it writes.

#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>

namespace {

std::atomic<std::uint64_t> own_calls{0};
std::atomic<std::uint64_t>* calls = &own_calls;
std::uint64_t fatal = 0;
bool by_half = false;

[[noreturn]] void die() {
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

/// Whether this is the call at which to die.
bool is_fatal() { return ++*calls == fatal; }

void before_change() {
  if (is_fatal()) die();
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

/// Numbers of the environment, and the shared counter. Programs that this one starts are left
/// alone.
__attribute__((constructor)) void begin() {
  if (const char* at = std::getenv("BMSG_KILL_AT")) fatal = std::strtoull(at, nullptr, 10);
  by_half = std::getenv("BMSG_KILL_HALF") != nullptr;
  if (const char* file = std::getenv("BMSG_KILL_COUNT")) {
    const int descriptor = open(file, O_RDWR | O_CLOEXEC);
    void* shared = mmap(nullptr, 8, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (descriptor < 0 || shared == MAP_FAILED) std::abort();
    calls = static_cast<std::atomic<std::uint64_t>*>(shared);
    close(descriptor);
  }
  unsetenv("BMSG_KILL_AT");
  unsetenv("BMSG_KILL_COUNT");
}

}  // namespace

extern "C" {

ssize_t write(int to, const void* bytes, std::size_t count) {
  static const auto real = next<ssize_t (*)(int, const void*, std::size_t)>("write");
  if (!is_fatal()) return real(to, bytes, count);
  if (by_half) (void)!real(to, bytes, count / 2);
  die();
}

ssize_t pwrite(int to, const void* bytes, std::size_t count, off_t at) {
  static const auto real = next<ssize_t (*)(int, const void*, std::size_t, off_t)>("pwrite");
  if (!is_fatal()) return real(to, bytes, count, at);
  if (by_half) (void)!real(to, bytes, count / 2, at);
  die();
}

ssize_t pwrite64(int to, const void* bytes, std::size_t count, off_t at) {
  return pwrite(to, bytes, count, at);
}

ssize_t writev(int to, const iovec* parts, int count) {
  static const auto real = next<ssize_t (*)(int, const iovec*, int)>("writev");
  if (!is_fatal()) return real(to, parts, count);
  if (by_half) (void)!real(to, parts, count / 2);
  die();
}

int fsync(int of) {
  static const auto real = next<int (*)(int)>("fsync");
  before_change();
  return real(of);
}

int fdatasync(int of) {
  static const auto real = next<int (*)(int)>("fdatasync");
  before_change();
  return real(of);
}

int rename(const char* from, const char* to) {
  static const auto real = next<int (*)(const char*, const char*)>("rename");
  before_change();
  return real(from, to);
}

int renameat(int from_in, const char* from, int to_in, const char* to) {
  static const auto real = next<int (*)(int, const char*, int, const char*)>("renameat");
  before_change();
  return real(from_in, from, to_in, to);
}

int renameat2(int from_in, const char* from, int to_in, const char* to, unsigned flags) {
  static const auto real = next<int (*)(int, const char*, int, const char*, unsigned)>("renameat2");
  before_change();
  return real(from_in, from, to_in, to, flags);
}

int link(const char* from, const char* to) {
  static const auto real = next<int (*)(const char*, const char*)>("link");
  before_change();
  return real(from, to);
}

int linkat(int from_in, const char* from, int to_in, const char* to, int flags) {
  static const auto real = next<int (*)(int, const char*, int, const char*, int)>("linkat");
  before_change();
  return real(from_in, from, to_in, to, flags);
}

int unlink(const char* file) {
  static const auto real = next<int (*)(const char*)>("unlink");
  before_change();
  return real(file);
}

int unlinkat(int in, const char* file, int flags) {
  static const auto real = next<int (*)(int, const char*, int)>("unlinkat");
  before_change();
  return real(in, file, flags);
}

int remove(const char* file) {
  static const auto real = next<int (*)(const char*)>("remove");
  before_change();
  return real(file);
}

int ftruncate(int of, off_t size) {
  static const auto real = next<int (*)(int, off_t)>("ftruncate");
  before_change();
  return real(of, size);
}

int ftruncate64(int of, off_t size) { return ftruncate(of, size); }

int mkdir(const char* directory, mode_t mode) {
  static const auto real = next<int (*)(const char*, mode_t)>("mkdir");
  before_change();
  return real(directory, mode);
}

int mkdirat(int in, const char* directory, mode_t mode) {
  static const auto real = next<int (*)(int, const char*, mode_t)>("mkdirat");
  before_change();
  return real(in, directory, mode);
}

}  // extern "C"
