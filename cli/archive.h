// Backups as tar archives: written file by file, read as strictly as a stranger's.
//
// The first entry says what it is, the last lists the hash of every other: an archive that was cut
// or changed is never mistaken for a whole one. Source: bmsg-store(5), "Backup".

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "lib/core/disk.h"
#include "lib/core/result.h"
#include "lib/core/tar.h"
#include "lib/crypto/sha512.h"

namespace bmsg::cli {

inline constexpr std::string_view kArchiveMark = "bmsg-backup";
inline constexpr std::string_view kArchiveMarkText = "bmsg-backup 1\n";
inline constexpr std::string_view kArchiveSums = "SHA512SUMS";
inline constexpr std::size_t kArchiveEntriesMax = 1'000'000;

/// Writes an archive to a descriptor that somebody else closes.
/// Errors: Errc::io.
class ArchiveWriter {
 public:
  /// `time`: of all entries, in Unix seconds.
  ArchiveWriter(int descriptor, std::string name, std::uint64_t time)
      : descriptor_(descriptor), name_(std::move(name)), time_(time) {}

  Result<Done> begin();
  Result<Done> add(const std::string& path, ByteView bytes, bool executable = false);
  /// The sums and the end.
  Result<Done> finish();

  std::uint64_t files() const { return files_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  Result<Done> write(ByteView bytes);

  int descriptor_;
  std::string name_;
  std::uint64_t time_;
  std::string sums_;
  std::uint64_t files_ = 0;
  std::uint64_t bytes_ = 0;
};

/// Unpacks an archive into a new directory of ours.
/// Errors: Errc::bad_input for anything that ArchiveWriter does not write: other kinds of entries,
///         paths outside a store, an entry twice, sums that do not fit, an end before its time;
///         Errc::io if there is no room.
class ArchiveReader {
 public:
  ArchiveReader(int descriptor, Disk& disk, std::filesystem::path into)
      : descriptor_(descriptor), disk_(disk), into_(std::move(into)) {}

  Result<Done> unpack();

 private:
  Result<Done> read(std::span<std::uint8_t> bytes);
  Result<Done> read_padding(std::uint64_t size);
  Result<std::string> read_text(std::uint64_t size, std::uint64_t most);
  Result<TarEntry> next();
  Result<Done> unpack_file(const TarEntry& entry);
  Result<Done> check_entry(const TarEntry& entry);
  Result<Done> check_sums(const TarEntry& entry);

  int descriptor_;
  Disk& disk_;
  std::filesystem::path into_;
  std::map<std::string, std::string> sums_;  // Hex by path.
};

/// Whether a path is one of a store that a backup may hold: "keys/keyring", "chain/000012.sst",
/// "blobs/own/c/NAME" with the name of a chunk.
bool is_store_path(const std::string& path);

}  // namespace bmsg::cli
