#include "lib/core/unplaced_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <memory>

namespace bmsg {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRandomLetters = 6;  // mkostemp's.
constexpr int kNamesMax = 256;             // Looked at: it is done for each file that is replaced.
constexpr int kTriesMax = 3;

/// A file of ours whose maker is no more.
bool is_abandoned(const Descriptor& file) {
  struct stat found {};
  return file && ::fstat(file.number(), &found) == 0 && S_ISREG(found.st_mode) &&
         found.st_uid == ::geteuid() && ::flock(file.number(), LOCK_EX | LOCK_NB) == 0;
}

void remove_abandoned(const fs::path& directory, const std::string& start) {
  const std::unique_ptr<DIR, int (*)(DIR*)> listed(::opendir(directory.c_str()), ::closedir);
  if (!listed) return;  // It is tidying: making ours will say what is wrong.
  const int at = ::dirfd(listed.get());
  for (int seen = 0; seen < kNamesMax; ++seen) {
    const dirent* entry = ::readdir(listed.get());
    if (entry == nullptr) return;
    const std::string_view name = entry->d_name;
    if (!name.starts_with(start) || name.size() != start.size() + kRandomLetters) continue;
    const Descriptor file(
        ::openat(at, entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (is_abandoned(file)) ::unlinkat(at, entry->d_name, 0);
  }
}

/// Before it had its lock, somebody who tidies may have taken it for an abandoned one.
bool is_kept(const Descriptor& file) {
  struct stat found {};
  (void)::flock(file.number(), LOCK_EX);  // Where there are no locks nobody tidies.
  return ::fstat(file.number(), &found) != 0 || found.st_nlink > 0;
}

}  // namespace

Descriptor unplaced_file(const fs::path& file, std::string& name) {
  const fs::path directory = file.has_parent_path() ? file.parent_path() : fs::path(".");
  const std::string start = fmt::format(".{}.bmsg", file.filename().string());
  remove_abandoned(directory, start);
  for (int tries = 0;; ++tries) {
    name = (file.parent_path() / fmt::format("{}XXXXXX", start)).string();
    Descriptor made(::mkostemp(name.data(), O_CLOEXEC));
    if (!made || tries == kTriesMax || is_kept(made)) return made;
  }
}

}  // namespace bmsg
