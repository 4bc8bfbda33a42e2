// MirrorTree: the directory of a mirror: files under the paths of the protocol, each whole or not
// there.

#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

#include "lib/chain/pack.h"
#include "lib/core/clock.h"
#include "lib/core/descriptor.h"
#include "lib/core/result.h"

namespace bmsg::cli {

/// DIR/bmsg/1, held by one mirror at a time. What lies in it may be anybody's doing: nothing there
/// is opened or removed through a symbolic link, so nothing outside is touched. What is made is for
/// everybody to read: it is for a web server.
///
/// Shape:   paths are relative, parts divided by '/': "headers/0/2000".
/// Threads: one.
/// Errors:  Errc::exists for what cannot be made there, Errc::io, Errc::locked.
class MirrorTree {
 public:
  /// Makes what is missing; the parent of `directory` must be there. Tries for `patience` while
  /// another mirror is at work.
  static Result<MirrorTree> open(const std::filesystem::path& directory,
                                 std::chrono::milliseconds patience, const Clock& clock);

  /// A file; nullopt if there is none, or something else under its name.
  Result<std::optional<Bytes>> read(const std::string& path, std::size_t bytes_max) const;
  /// Whether a file is a pack of `count` whole frames, of which the last begins with `bytes`. Reads
  /// no more than it has to.
  Result<bool> ends_with(const std::string& path, std::uint32_t count, ByteView bytes) const;
  /// Writes a file beside, syncs, renames: old or new, never half; durable when this returns.
  Result<Done> write(const std::string& path, ByteView bytes);
  /// Removes everything but the files of these paths. Returns how many files went.
  Result<std::uint64_t> remove_others(const std::set<std::string>& paths);

  const std::filesystem::path& place() const { return place_; }
  std::uint64_t files_written() const { return files_; }
  std::uint64_t bytes_written() const { return bytes_; }

 private:
  MirrorTree(std::filesystem::path place, Descriptor root)
      : place_(std::move(place)), root_(std::move(root)) {}
  Descriptor find(const std::string& path) const;

  std::filesystem::path place_;  // DIR/bmsg/1, for messages.
  Descriptor root_;              // Its flock keeps others away.
  std::uint64_t files_ = 0;
  std::uint64_t bytes_ = 0;
};

}  // namespace bmsg::cli
