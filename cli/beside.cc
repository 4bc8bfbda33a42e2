#include "cli/beside.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "lib/core/scarcity.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kRandomLetters = 6;  // mkdtemp's.
constexpr const char* kStore = "store";
constexpr int kTriesMax = 3;
constexpr const char* kLock =
    "bmsg-unfinished.lock";  // What has none, and something else, is not ours.

Error cannot_make(const fs::path& target, const std::string& cause) {
  return Error{Errc::exists, fmt::format("cannot create '{}': {}", target.string(), cause)};
}

Result<Done> sync_all(Disk& disk, const fs::path& directory) {
  std::error_code reason;
  auto entry = fs::recursive_directory_iterator(directory, reason);
  for (; !reason && entry != fs::recursive_directory_iterator(); entry.increment(reason)) {
    if (entry->is_directory(reason)) BMSG_TRY(disk.sync_directory(entry->path()));
    if (reason) break;
  }
  if (reason)
    return Error{code_of(reason.value(), Errc::io),
                 fmt::format("cannot list '{}': {}", directory.string(), reason.message())};
  return disk.sync_directory(directory);
}

/// The lock goes last: whoever is killed within leaves what the next one knows.
void remove_tree(const fs::path& root) {
  std::error_code ignored;  // What stays is no store and nobody's.
  fs::remove_all(root / kStore, ignored);
  if (!ignored) fs::remove_all(root, ignored);
}

}  // namespace

Beside::Beside(Disk& disk, const fs::path& target) : disk_(disk), target_(target) {
  if (!target_.has_filename()) target_ = target_.parent_path();
}

Beside::~Beside() {
  std::error_code ignored;  // What stays is empty.
  if (!root_.empty()) remove_tree(root_);
  // Those that hold something by now, the finished directory or somebody else's, stay.
  std::for_each(parents_.rbegin(), parents_.rend(),
                [&](const fs::path& parent) { fs::remove(parent, ignored); });
}

Result<Done> Beside::check_free() const {
  std::error_code unreadable;  // Then making it says why.
  const bool there = fs::exists(fs::symlink_status(target_, unreadable));
  if (there && !(fs::is_directory(target_) && fs::is_empty(target_, unreadable)))
    return Error{Errc::exists, fmt::format("'{}' is there already", target_.string())};
  return done;
}

Result<Done> Beside::make_parents() {
  std::error_code unreadable;  // Then making it says why.
  for (fs::path at = target_.parent_path(); !fs::exists(at, unreadable); at = at.parent_path())
    parents_.insert(parents_.begin(), at);
  const auto made = disk_.make_directory(target_.parent_path());
  if (!made && made.error().code == Errc::denied) return cannot_make(target_, made.error().message);
  return made;
}

/// A process that was killed leaves its directory, and the kernel frees its lock.
void Beside::remove_abandoned() const {
  const std::string start = fmt::format(".{}.", target_.filename().string());
  const auto names = disk_.list(target_.parent_path());
  if (!names) return;  // It is tidying: whatever is wrong there, making ours will say it.
  for (const std::string& name : names.value()) {
    if (!name.starts_with(start) || name.size() != start.size() + kRandomLetters) continue;
    const fs::path root = target_.parent_path() / name;
    std::error_code ignored;  // As above.
    if (!fs::is_directory(fs::symlink_status(root, ignored))) continue;
    if (fs::is_regular_file(fs::symlink_status(root / kLock, ignored))) {
      const auto free = FileLock::try_take(root / kLock, "tidying");
      if (free && free.value()) remove_tree(root);
    } else {
      fs::remove(root, ignored);  // Killed before it had its lock, it is empty.
    }
  }
}

Result<bool> Beside::take_root(std::string_view command) {
  std::string name = fmt::format(".{}.XXXXXX", target_.filename().string());
  name = (target_.parent_path() / name).string();
  if (::mkdtemp(name.data()) == nullptr) {
    const bool is_full = errno == ENOSPC || errno == EDQUOT;
    const Error error = cannot_make(target_, std::strerror(errno));
    return Error{is_full ? Errc::io : error.code, error.message};
  }
  auto lock = FileLock::try_take(fs::path(name) / kLock, command);
  if (!lock && fs::exists(name)) return lock.error();
  if (!lock || !lock.value()) return false;
  root_ = name;
  lock_ = std::move(lock).value();
  return true;
}

Result<Done> Beside::make(std::string_view command) {
  BMSG_TRY(check_free());
  BMSG_TRY(make_parents());
  remove_abandoned();
  // Before it has its lock, somebody who tidies may take it for an abandoned one.
  for (int tries = 0; root_.empty(); ++tries) {
    BMSG_TRY_ASSIGN(const bool taken, take_root(command));
    if (!taken && tries == kTriesMax)
      return cannot_make(target_, "somebody removes what is made beside it");
  }
  path_ = root_ / kStore;
  return disk_.make_directory(path_);
}

Result<Done> Beside::publish() {
  BMSG_TRY(check_free());  // It took a while.
  BMSG_TRY(sync_all(disk_, path_));
  BMSG_TRY(disk_.rename(path_, target_));
  for (const fs::path& parent : parents_) BMSG_TRY(disk_.sync_directory(parent.parent_path()));
  return disk_.sync_directory(target_.parent_path());
}

}  // namespace bmsg::cli
