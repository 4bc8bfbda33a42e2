// Whether files have changed: a look at a few names, cheap enough for ten times a second.

#pragma once

#include <array>
#include <filesystem>
#include <vector>

#include "lib/core/disk.h"

namespace bmsg::cli {

/// What is remembered of files between two looks.
class FileMarks {
 public:
  /// A file, or a directory with the names in it. One that is not there is remembered as such.
  void add(const std::filesystem::path& path);
  /// Every file of a directory, but not of those below.
  void add_all(const Disk& disk, const std::filesystem::path& directory);

  bool operator==(const FileMarks&) const = default;

 private:
  /// Inode, bytes and the time of the last change of a file.
  using Mark = std::array<std::int64_t, 4>;

  std::vector<Mark> marks_;
};

}  // namespace bmsg::cli
