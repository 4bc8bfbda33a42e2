// Disk: what we ask of the file system, so that faults can be played on it.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lib/core/bytes.h"
#include "lib/core/result.h"

namespace bmsg {

/// Our own files: outbox, keyring, contacts, cards, witness. (RocksDB's go through its own seam.)
/// Files are made 0600 and directories 0700. Paths are not followed through a last symbolic link
/// when something is created.
///
/// Threads: any.
/// Errors:  Errc::io, naming the path and the system's reason; Errc::denied for permissions.
class Disk {
 public:
  virtual ~Disk() = default;

  /// The whole file; nullopt if there is none. Longer than `bytes_max`: Errc::corrupt.
  virtual Result<std::optional<Bytes>> read(const std::filesystem::path& file,
                                            std::size_t bytes_max) const = 0;
  /// Makes a new file and syncs its bytes, not yet its name. There already: Errc::exists.
  virtual Result<Done> create(const std::filesystem::path& file, ByteView bytes) = 0;
  /// Writes a file beside, syncs, renames over `file`, syncs the directory: old or new, never half.
  virtual Result<Done> replace(const std::filesystem::path& file, ByteView bytes) = 0;
  /// Writes over a part of a file that is there, or behind its end, and syncs it. A crash may leave
  /// that part in any state, and changes no other: for who can tell.
  virtual Result<Done> overwrite(const std::filesystem::path& file, std::uint64_t at,
                                 ByteView bytes);
  /// A second name for a file. The name is taken: Errc::exists, and nothing changed.
  virtual Result<Done> link(const std::filesystem::path& file,
                            const std::filesystem::path& name) = 0;
  virtual Result<Done> rename(const std::filesystem::path& from,
                              const std::filesystem::path& to) = 0;
  /// Removes a file; one that is not there is no error.
  virtual Result<Done> remove(const std::filesystem::path& file) = 0;
  /// Makes the names in a directory durable.
  virtual Result<Done> sync_directory(const std::filesystem::path& directory) = 0;
  /// Makes a directory and its missing parents; one that is there is no error.
  virtual Result<Done> make_directory(const std::filesystem::path& directory) = 0;
  /// Names in a directory, sorted, without "." and ".."; empty if there is no such directory.
  virtual Result<std::vector<std::string>> list(const std::filesystem::path& directory) const = 0;
  /// The same where there are at most `most`; nullopt, without reading all of them, if there are
  /// more.
  virtual Result<std::optional<std::vector<std::string>>> list_few(
      const std::filesystem::path& directory, std::size_t most) const;
  virtual Result<std::uint64_t> free_bytes(const std::filesystem::path& directory) const = 0;
};

/// The file system of this machine.
class SystemDisk final : public Disk {
 public:
  Result<std::optional<Bytes>> read(const std::filesystem::path& file,
                                    std::size_t bytes_max) const override;
  Result<Done> create(const std::filesystem::path& file, ByteView bytes) override;
  Result<Done> replace(const std::filesystem::path& file, ByteView bytes) override;
  Result<Done> overwrite(const std::filesystem::path& file, std::uint64_t at,
                         ByteView bytes) override;
  Result<Done> link(const std::filesystem::path& file, const std::filesystem::path& name) override;
  Result<Done> rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  Result<Done> remove(const std::filesystem::path& file) override;
  Result<Done> sync_directory(const std::filesystem::path& directory) override;
  Result<Done> make_directory(const std::filesystem::path& directory) override;
  Result<std::vector<std::string>> list(const std::filesystem::path& directory) const override;
  Result<std::optional<std::vector<std::string>>> list_few(const std::filesystem::path& directory,
                                                           std::size_t most) const override;
  Result<std::uint64_t> free_bytes(const std::filesystem::path& directory) const override;
};

}  // namespace bmsg
