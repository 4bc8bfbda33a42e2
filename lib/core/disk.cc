#include "lib/core/disk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lib/core/descriptor.h"
#include "lib/core/scarcity.h"
#include "lib/core/try.h"
#include "lib/core/unplaced_file.h"

namespace bmsg {
namespace {

namespace fs = std::filesystem;

Error failed(std::string_view verb, const fs::path& path, int reason) {
  Errc code = Errc::io;
  if (reason == EACCES || reason == EPERM || reason == EROFS) code = Errc::denied;
  if (reason == EEXIST) code = Errc::exists;
  if (is_scarcity(reason)) code = Errc::no_resource;
  return Error{code, fmt::format("cannot {} '{}': {}", verb, path.string(), std::strerror(reason))};
}

Result<Done> write_all(int descriptor, ByteView bytes, const fs::path& file) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(descriptor, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return failed("write", file, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return done;
}

constexpr std::size_t kFirstPiece = 512;
constexpr std::size_t kPieceMax = 1u << 20;

/// Writes a new file and syncs its bytes; `name` is one it has already, which goes if that fails.
Result<Done> fill(const Descriptor& made, ByteView bytes, const fs::path& name) {
  auto written = write_all(made.number(), bytes, name);
  if (written && ::fsync(made.number()) != 0) written = failed("sync", name, errno);
  if (!written) ::unlink(name.c_str());
  return written;
}

}  // namespace

Result<std::optional<Bytes>> SystemDisk::read(const fs::path& file, std::size_t bytes_max) const {
  const Descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!opened && errno == ENOENT) return std::optional<Bytes>();
  if (!opened) return failed("open", file, errno);
  // Most files are short: what is not asked for need not be cleared.
  struct stat found {};
  const bool is_known = ::fstat(opened.number(), &found) == 0 && found.st_size > 0;
  const auto size = is_known ? static_cast<std::size_t>(found.st_size) : 0;
  std::size_t piece = std::clamp(std::min(size, bytes_max) + 1, kFirstPiece, kPieceMax);
  Bytes bytes;
  for (;;) {
    const std::size_t before = bytes.size();
    bytes.resize(before + piece);
    const ssize_t got = ::read(opened.number(), bytes.data() + before, piece);
    if (got < 0 && errno != EINTR) return failed("read", file, errno);
    bytes.resize(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (bytes.size() > bytes_max) {
      return Error{Errc::corrupt,
                   fmt::format("'{}' is longer than {} bytes", file.string(), bytes_max)};
    }
    if (got == 0) return std::optional(std::move(bytes));
    piece = std::clamp(bytes.size(), kFirstPiece, kPieceMax);
    if (bytes.size() >= size && is_known) piece = kFirstPiece;  // It ends here, or grows.
  }
}

Result<Done> SystemDisk::create(const fs::path& file, ByteView bytes) {
  const Descriptor made(
      ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!made) return failed("create", file, errno);
  return fill(made, bytes, file);
}

Result<Done> SystemDisk::replace(const fs::path& file, ByteView bytes) {
  std::string beside;
  const Descriptor made = unplaced_file(file, beside);
  if (!made) return failed("create", beside, errno);
  BMSG_TRY(fill(made, bytes, beside));
  if (::rename(beside.c_str(), file.c_str()) != 0) {
    const int reason = errno;
    ::unlink(beside.c_str());
    return failed("replace", file, reason);
  }
  return sync_directory(file.parent_path());
}

Result<Done> Disk::overwrite(const fs::path& file, std::uint64_t at, ByteView bytes) {
  BMSG_TRY_ASSIGN(auto whole, read(file, SIZE_MAX));
  if (!whole) return failed("open", file, ENOENT);
  const auto begin = static_cast<std::size_t>(at);
  whole->resize(std::max(whole->size(), begin + bytes.size()));
  std::ranges::copy(bytes, whole->begin() + static_cast<std::ptrdiff_t>(begin));
  return replace(file, *whole);
}

Result<Done> SystemDisk::overwrite(const fs::path& file, std::uint64_t at, ByteView bytes) {
  const Descriptor opened(::open(file.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY));
  if (!opened) return failed("open", file, errno);
  while (!bytes.empty()) {
    const ssize_t wrote =
        ::pwrite(opened.number(), bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return failed("write", file, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    at += static_cast<std::uint64_t>(wrote);
  }
  if (::fdatasync(opened.number()) != 0) return failed("sync", file, errno);
  return done;
}

Result<Done> SystemDisk::link(const fs::path& file, const fs::path& name) {
  // The name of a descriptor stands for a file that has none.
  const int follow = file.parent_path() == "/proc/self/fd" ? AT_SYMLINK_FOLLOW : 0;
  if (::linkat(AT_FDCWD, file.c_str(), AT_FDCWD, name.c_str(), follow) != 0)
    return failed("link", name, errno);
  return done;
}

Result<Done> SystemDisk::rename(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename", from, errno);
  return done;
}

Result<Done> SystemDisk::remove(const fs::path& file) {
  if (::unlink(file.c_str()) != 0 && errno != ENOENT) return failed("remove", file, errno);
  return done;
}

Result<Done> SystemDisk::sync_directory(const fs::path& directory) {
  const fs::path named = directory.empty() ? fs::path(".") : directory;
  const Descriptor opened(::open(named.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened) return failed("open", named, errno);
  if (::fsync(opened.number()) != 0) return failed("sync", named, errno);
  return done;
}

Result<Done> SystemDisk::make_directory(const fs::path& directory) {
  if (::mkdir(directory.c_str(), 0700) == 0) return done;
  if (errno == ENOENT && directory.has_parent_path() && directory.parent_path() != directory) {
    BMSG_TRY(make_directory(directory.parent_path()));
    if (::mkdir(directory.c_str(), 0700) == 0) return done;
  }
  struct stat found {};
  const int reason = errno;
  if (reason == EEXIST && ::stat(directory.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) {
    return done;
  }
  return failed("make directory", directory, reason == EEXIST ? ENOTDIR : reason);
}

Result<std::vector<std::string>> SystemDisk::list(const fs::path& directory) const {
  BMSG_TRY_ASSIGN(auto names, list_few(directory, SIZE_MAX));
  return std::move(*names);
}

Result<std::optional<std::vector<std::string>>> Disk::list_few(const fs::path& directory,
                                                               std::size_t most) const {
  BMSG_TRY_ASSIGN(auto names, list(directory));
  return names.size() > most ? std::nullopt : std::optional(std::move(names));
}

Result<std::optional<std::vector<std::string>>> SystemDisk::list_few(const fs::path& directory,
                                                                     std::size_t most) const {
  std::error_code reason;
  std::vector<std::string> names;
  fs::directory_iterator entries(directory, reason);
  if (reason == std::errc::no_such_file_or_directory) return std::optional(std::move(names));
  if (reason) return failed("list", directory, reason.value());
  for (; entries != fs::directory_iterator(); entries.increment(reason)) {
    if (names.size() == most) return std::optional<std::vector<std::string>>();
    names.push_back(entries->path().filename().string());
  }
  // A failed increment ends the loop like the last entry does.
  if (reason) return failed("list", directory, reason.value());
  std::ranges::sort(names);
  return std::optional(std::move(names));
}

Result<std::uint64_t> SystemDisk::free_bytes(const fs::path& directory) const {
  struct statvfs found {};
  if (::statvfs(directory.c_str(), &found) != 0)
    return failed("ask free space of", directory, errno);
  return std::uint64_t{found.f_bavail} * found.f_frsize;
}

}  // namespace bmsg
