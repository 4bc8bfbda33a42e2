#include "lib/core/file_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <thread>

#include "lib/core/scarcity.h"
#include "lib/core/try.h"

namespace bmsg {
namespace {

constexpr std::chrono::milliseconds kRetryAfter{10};

Error lock_failed(const std::filesystem::path& file, int reason) {
  const Errc code = reason == EACCES || reason == EROFS ? Errc::denied : code_of(reason, Errc::io);
  return Error{code, fmt::format("cannot lock '{}': {}", file.string(), std::strerror(reason))};
}

void write_holder(int descriptor, std::string_view command) {
  const std::string line = fmt::format("{} {}\n", ::getpid(), command);
  // Only a hint for people: the lock holds without it. What is longer is cut after it was written
  // over, since to empty a file takes as long as to sync one where blocks are given back at once.
  const auto wrote = ::pwrite(descriptor, line.data(), line.size(), 0);
  struct stat about {};
  if (wrote > 0 && ::fstat(descriptor, &about) == 0 && about.st_size > wrote) {
    [[maybe_unused]] const int cut = ::ftruncate(descriptor, wrote);
  }
}

/// All zero if it cannot be told.
struct timespec changed_at(int descriptor) {
  struct stat about {};
  return ::fstat(descriptor, &about) == 0 ? about.st_mtim : timespec();
}

}  // namespace

FileLock::FileLock(Descriptor held)
    : held_(std::move(held)), changed_(changed_at(held_.number())) {}

bool FileLock::is_wanted() const {
  const auto now = changed_at(held_.number());
  return now.tv_sec != changed_.tv_sec || now.tv_nsec != changed_.tv_nsec;
}

Result<std::optional<FileLock>> FileLock::try_take(const std::filesystem::path& file,
                                                   std::string_view command) {
  Descriptor opened(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!opened) return lock_failed(file, errno);
  if (::flock(opened.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return lock_failed(file, errno);
    (void)::futimens(opened.number(), nullptr);  // Where that fails the holder lets go later.
    return std::optional<FileLock>();
  }
  write_holder(opened.number(), command);
  return std::optional(FileLock(std::move(opened)));
}

Result<FileLock> FileLock::take(const std::filesystem::path& file, std::string_view command,
                                std::chrono::milliseconds patience, const Clock& clock) {
  const auto deadline = clock.steady() + patience;
  // Tries are counted too: the clock may be one that stands still.
  for (auto waited = std::chrono::milliseconds(0);; waited += kRetryAfter) {
    BMSG_TRY_ASSIGN(auto held, try_take(file, command));
    if (held) return std::move(*held);
    if (waited >= patience || clock.steady() >= deadline) {
      return Error{Errc::locked, fmt::format("'{}' is held by {}", file.string(), holder(file))};
    }
    std::this_thread::sleep_for(kRetryAfter);
  }
}

std::string FileLock::holder(const std::filesystem::path& file) {
  std::ifstream in(file);
  int pid = 0;
  std::string command;
  if (!(in >> pid) || pid <= 0) return "another process";
  std::getline(in >> std::ws, command);
  const bool clean = std::ranges::all_of(command, [](char c) { return c >= ' ' && c <= '~'; });
  return command.empty() || !clean ? fmt::format("process {}", pid)
                                   : fmt::format("process {} ({})", pid, command);
}

}  // namespace bmsg
