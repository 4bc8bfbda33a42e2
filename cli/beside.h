// A directory that is made beside the one that is to be, and takes its place when it is whole.

#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lib/core/disk.h"
#include "lib/core/file_lock.h"

namespace bmsg::cli {

/// Holds `path()` until publish(); without that nothing is left. What a killed process left beside
/// the same target goes when the next one begins.
/// Shape:  .NAME.XXXXXX in the target's directory, with the directory to be and a lock in it.
/// Errors: Errc::exists if something is there already or may not be made; else as Disk.
class Beside {
 public:
  /// `target` as whole_path() gives it.
  Beside(Disk& disk, const std::filesystem::path& target);
  ~Beside();
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;

  /// Whether the target may be made: it is absent, or an empty directory.
  Result<Done> check_free() const;
  /// `command` is told to whoever asks who is at work here.
  Result<Done> make(std::string_view command);
  /// Makes all of it durable and puts it in its place: an empty directory is replaced; anything
  /// else there makes this fail.
  Result<Done> publish();

  const std::filesystem::path& path() const { return path_; }
  const std::filesystem::path& target() const { return target_; }

 private:
  Result<Done> make_parents();
  void remove_abandoned() const;
  /// False if somebody took it away at once.
  Result<bool> take_root(std::string_view command);

  Disk& disk_;
  std::filesystem::path target_;
  std::filesystem::path root_;                  // Of what is ours beside it; empty: not made.
  std::filesystem::path path_;                  // In it.
  std::vector<std::filesystem::path> parents_;  // Directories made for it, outermost first.
  std::optional<FileLock> lock_;
};

}  // namespace bmsg::cli
