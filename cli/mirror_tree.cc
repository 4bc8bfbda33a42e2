#include "cli/mirror_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <span>
#include <thread>
#include <vector>

#include "lib/core/big_endian.h"
#include "lib/core/scarcity.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

constexpr int kDirectory = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr mode_t kDirectoryMode = 0755;  // Whatever the umask: what is made is for a web server.
constexpr mode_t kFileMode = 0644;
constexpr std::size_t kMagicBytes = 4;
constexpr std::size_t kFrameHeadBytes = 5;
constexpr std::chrono::milliseconds kBetweenTries{50};
constexpr const char* kBeside = ".new";  // One mirror at a time: one name is enough.

Error failed(const char* verb, const fs::path& path, int reason) {
  const bool is_disk = reason == ENOSPC || reason == EDQUOT || reason == EIO || reason == EFBIG;
  const Errc code = is_disk ? Errc::io : code_of(reason, Errc::exists);
  return Error{code, fmt::format("cannot {} '{}': {}", verb, path.string(), std::strerror(reason))};
}

Result<Done> sync(const Descriptor& opened, const fs::path& path) {
  if (::fsync(opened.number()) != 0)
    return Error{Errc::io,
                 fmt::format("cannot sync '{}': {}", path.string(), std::strerror(errno))};
  return done;
}

/// A directory in another, made if it is missing. `path` names it in messages.
Result<Descriptor> enter(const Descriptor& parent, const std::string& name, const fs::path& path) {
  if (::mkdirat(parent.number(), name.c_str(), kDirectoryMode) == 0) {
    if (::fchmodat(parent.number(), name.c_str(), kDirectoryMode, 0) != 0)
      return failed("make directory", path, errno);
    BMSG_TRY(sync(parent, path));
  } else if (errno != EEXIST) {
    return failed("make directory", path, errno);
  }
  Descriptor opened(::openat(parent.number(), name.c_str(), kDirectory));
  if (!opened) return failed("open directory", path, errno);
  return opened;
}

Result<Descriptor> enter(const fs::path& directory) {
  const bool made = ::mkdir(directory.c_str(), kDirectoryMode) == 0;
  if (!made && errno != EEXIST) return failed("make directory", directory, errno);
  if (made && ::chmod(directory.c_str(), kDirectoryMode) != 0)
    return failed("make directory", directory, errno);
  // The user's own word: it may be a link.
  Descriptor opened(::open(directory.c_str(), kDirectory & ~O_NOFOLLOW));
  if (!opened) return failed("open directory", directory, errno);
  return opened;
}

Result<Done> write_all(const Descriptor& made, ByteView bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(made.number(), bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return failed("write", path, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return sync(made, path);
}

bool read_at(const Descriptor& file, std::uint64_t at, std::span<std::uint8_t> into) {
  const ssize_t got = ::pread(file.number(), into.data(), into.size(), static_cast<off_t>(at));
  return got == static_cast<ssize_t>(into.size());
}

Result<std::vector<std::string>> names_in(const Descriptor& directory, const fs::path& path) {
  // A stream of its own: it moves the offset, and closes what it was given.
  const int copy = ::openat(directory.number(), ".", kDirectory);
  const auto close = [](DIR* open) { ::closedir(open); };
  const std::unique_ptr<DIR, decltype(close)> stream(copy < 0 ? nullptr : ::fdopendir(copy), close);
  if (!stream) return failed("list", path, errno);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  return names;
}

/// Whether one of `paths` lies in the directory `inside`, which ends with '/'.
bool holds_any(const std::set<std::string>& paths, const std::string& inside) {
  const auto at = paths.lower_bound(inside);
  return at != paths.end() && at->starts_with(inside);
}

/// Removes all of a directory but `paths`; `inside` is its own, "" or ending with '/'.
Result<std::uint64_t> prune(const Descriptor& directory, const std::string& inside,
                            const fs::path& place, const std::set<std::string>& paths) {
  std::uint64_t removed = 0;
  BMSG_TRY_ASSIGN(const auto names, names_in(directory, place / inside));
  for (const std::string& name : names) {
    const std::string path = inside + name;
    if (paths.contains(path)) continue;
    const Descriptor below(::openat(directory.number(), name.c_str(), kDirectory));
    if (!below && errno != ENOTDIR && errno != ELOOP) return failed("open", place / path, errno);
    if (below) {
      BMSG_TRY_ASSIGN(const auto files, prune(below, path + "/", place, paths));
      removed += files;
      if (holds_any(paths, path + "/")) continue;
    }
    if (::unlinkat(directory.number(), name.c_str(), below ? AT_REMOVEDIR : 0) != 0)
      return failed("remove", place / path, errno);
    removed += below ? 0 : 1;
  }
  return removed;
}

}  // namespace

Result<MirrorTree> MirrorTree::open(const fs::path& directory, std::chrono::milliseconds patience,
                                    const Clock& clock) {
  BMSG_TRY_ASSIGN(const auto top, enter(directory));
  BMSG_TRY_ASSIGN(const auto middle, enter(top, "bmsg", directory / "bmsg"));
  const fs::path place = directory / "bmsg" / "1";
  BMSG_TRY_ASSIGN(auto root, enter(middle, "1", place));
  const auto deadline = clock.steady() + patience;
  while (::flock(root.number(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return failed("lock", place, errno);
    if (clock.steady() + kBetweenTries >= deadline)
      return Error{Errc::locked, fmt::format("another mirror writes '{}'", place.string())};
    std::this_thread::sleep_for(kBetweenTries);
  }
  return MirrorTree(place, std::move(root));
}

/// A regular file for reading; none if there is anything else, or a link on the way.
Descriptor MirrorTree::find(const std::string& path) const {
  Descriptor directory;
  std::string_view left = path;
  for (auto slash = left.find('/'); slash != left.npos; slash = left.find('/')) {
    const std::string name(left.substr(0, slash));
    const int parent = directory ? directory.number() : root_.number();
    directory = Descriptor(::openat(parent, name.c_str(), kDirectory));
    if (!directory) return {};
    left.remove_prefix(slash + 1);
  }
  const int parent = directory ? directory.number() : root_.number();
  // Whatever lies there must not make us wait, as a pipe does.
  Descriptor file(::openat(parent, std::string(left).c_str(),
                           O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat found {};
  const bool is_file = file && ::fstat(file.number(), &found) == 0 && S_ISREG(found.st_mode);
  return is_file ? std::move(file) : Descriptor();
}

Result<std::optional<Bytes>> MirrorTree::read(const std::string& path,
                                              std::size_t bytes_max) const {
  const Descriptor file = find(path);
  struct stat found {};
  if (!file || ::fstat(file.number(), &found) != 0) return std::optional<Bytes>();
  const auto size = static_cast<std::uint64_t>(found.st_size);
  if (size > bytes_max)
    return Error{Errc::bad_input,
                 fmt::format("'{}' is longer than {} bytes", (place_ / path).string(), bytes_max)};
  Bytes bytes(size);
  if (!read_at(file, 0, bytes)) return failed("read", place_ / path, EIO);
  return std::optional(std::move(bytes));
}

Result<bool> MirrorTree::ends_with(const std::string& path, std::uint32_t count,
                                   ByteView bytes) const {
  const Descriptor file = find(path);
  struct stat found {};
  if (!file || ::fstat(file.number(), &found) != 0) return false;
  std::uint64_t at = kMagicBytes;
  std::uint64_t last = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    std::array<std::uint8_t, kFrameHeadBytes> head{};
    if (!read_at(file, at, head)) return false;
    last = at + head.size();
    at = last + load_be<std::uint32_t>(head.data() + 1);
  }
  Bytes begin(bytes.size());
  return at == static_cast<std::uint64_t>(found.st_size) && read_at(file, last, begin) &&
         std::ranges::equal(begin, bytes);
}

Result<Done> MirrorTree::write(const std::string& path, ByteView bytes) {
  const Descriptor* parent = &root_;
  Descriptor directory;
  std::string_view left = path;
  for (auto slash = left.find('/'); slash != left.npos; slash = left.find('/')) {
    const std::string name(left.substr(0, slash));
    left.remove_prefix(slash + 1);
    const std::string so_far = path.substr(0, path.size() - left.size() - 1);
    BMSG_TRY_ASSIGN(auto next, enter(*parent, name, place_ / so_far));
    directory = std::move(next);
    parent = &directory;
  }
  const std::string name(left);
  ::unlinkat(parent->number(), kBeside, 0);  // Of a mirror that was killed.
  const Descriptor made(::openat(parent->number(), kBeside,
                                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode));
  if (!made) return failed("create", place_ / path, errno);
  auto written = write_all(made, bytes, place_ / path);
  if (written && ::fchmod(made.number(), kFileMode) != 0)
    written = failed("create", place_ / path, errno);
  if (written && ::renameat(parent->number(), kBeside, parent->number(), name.c_str()) != 0)
    written = failed("replace", place_ / path, errno);
  if (!written) {
    ::unlinkat(parent->number(), kBeside, 0);
    return written;
  }
  ++files_;
  bytes_ += bytes.size();
  return sync(*parent, place_ / path);
}

Result<std::uint64_t> MirrorTree::remove_others(const std::set<std::string>& paths) {
  return prune(root_, "", place_, paths);
}

}  // namespace bmsg::cli
