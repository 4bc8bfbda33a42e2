#include "cli/new_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "lib/core/scarcity.h"
#include "lib/core/try.h"
#include "lib/core/unplaced_file.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDescriptors = "/proc/self/fd";

/// One that has no name yet, which nobody who is killed leaves. Not every file system makes them.
Descriptor nameless(const fs::path& directory) {
  if (::access(kDescriptors, X_OK) != 0) return {};  // Without it the file can get no name.
  const fs::path named = directory.empty() ? fs::path(".") : directory;
  return Descriptor(::open(named.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
}

}  // namespace

Result<Done> give_name(Disk& disk, const fs::path& beside, const fs::path& file) {
  const auto linked = disk.link(beside, file);
  if (linked) {
    (void)disk.remove(beside);  // What stays there is another name of it.
    return done;
  }
  if (linked.error().code == Errc::exists) return linked;
  if (::renameat2(AT_FDCWD, beside.c_str(), AT_FDCWD, file.c_str(), RENAME_NOREPLACE) == 0)
    return done;
  if (errno == EEXIST)
    return Error{Errc::exists, fmt::format("'{}' is there already", file.string())};
  return Error{Errc::io, linked.error().message};
}

NewFile::NewFile(Disk& disk, fs::path file) : disk_(disk), file_(std::move(file)) {}

NewFile::~NewFile() {
  if (opened_ && !beside_.empty()) (void)disk_.remove(beside_);  // Half a file is none.
}

Error NewFile::exists() const {
  return Error{Errc::exists, fmt::format("'{}' is there already", file_.string())};
}

Result<int> NewFile::open() {
  std::error_code unreadable;  // Then opening it will say why.
  if (fs::exists(fs::symlink_status(file_, unreadable))) return exists();
  opened_ = nameless(file_.parent_path());
  if (!opened_) opened_ = unplaced_file(file_, beside_);
  if (opened_) return opened_.number();
  const int cause = errno;
  const bool is_place = cause == EACCES || cause == EROFS || cause == ENOENT;
  const Errc code = is_place ? Errc::exists : code_of(cause, Errc::io);
  return Error{code, fmt::format("cannot create '{}': {}", file_.string(), std::strerror(cause))};
}

Result<Done> NewFile::write(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(opened_.number(), bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0)
      return Error{Errc::io,
                   fmt::format("cannot write '{}': {}", file_.string(), std::strerror(errno))};
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return done;
}

Result<Done> NewFile::publish() {
  if (::fsync(opened_.number()) != 0)
    return Error{Errc::io,
                 fmt::format("cannot sync '{}': {}", file_.string(), std::strerror(errno))};
  const fs::path unnamed = fs::path(kDescriptors) / std::to_string(opened_.number());
  if (beside_.empty()) BMSG_TRY(disk_.link(unnamed, file_));
  if (!beside_.empty()) BMSG_TRY(give_name(disk_, beside_, file_));
  beside_.clear();
  auto synced = disk_.sync_directory(file_.parent_path());
  if (!synced) (void)disk_.remove(file_);  // It is ours since it has its name.
  return synced;
}

}  // namespace bmsg::cli
