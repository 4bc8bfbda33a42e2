// FileLock: a lock that the kernel drops with the process, and the name of who holds it.

#pragma once

#include <time.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "lib/core/clock.h"
#include "lib/core/descriptor.h"
#include "lib/core/result.h"

namespace bmsg {

/// An exclusive flock on a file that holds "PID COMMAND" of its holder. It can never be stale: the
/// kernel lets go when the holder ends, however it ends. The file itself stays.
class FileLock {
 public:
  /// Takes the lock, trying for `patience`. Still held then: Errc::locked, naming the holder.
  static Result<FileLock> take(const std::filesystem::path& file, std::string_view command,
                               std::chrono::milliseconds patience, const Clock& clock);

  /// One try without waiting: nullopt if somebody holds it, who can see that it was tried.
  static Result<std::optional<FileLock>> try_take(const std::filesystem::path& file,
                                                  std::string_view command);

  /// Whether anybody has tried to take it since we hold it.
  bool is_wanted() const;

  /// "process 4127 (serve)", as the holder wrote it; "another process" if it does not say.
  static std::string holder(const std::filesystem::path& file);

 private:
  explicit FileLock(Descriptor held);
  Descriptor held_;
  struct timespec changed_ {};  // The file, when we had written our name. Who tries sets it anew.
};

}  // namespace bmsg
