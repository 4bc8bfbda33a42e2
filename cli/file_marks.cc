#include "cli/file_marks.h"

#include <sys/stat.h>

namespace bmsg::cli {

void FileMarks::add(const std::filesystem::path& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) != 0) {
    marks_.push_back({});  // One that went is a change too.
    return;
  }
  marks_.push_back({static_cast<std::int64_t>(facts.st_ino), facts.st_size, facts.st_mtim.tv_sec,
                    facts.st_mtim.tv_nsec});
}

void FileMarks::add_all(const Disk& disk, const std::filesystem::path& directory) {
  const auto names = disk.list(directory);
  if (!names) return;
  for (const std::string& name : names.value()) add(directory / name);
}

}  // namespace bmsg::cli
