// CutDisk: files in memory that know what was made durable, so that a test can cut the power.
//
// Bytes are durable once their file was synced, names once their directory was. When the power
// goes, each of the rest may be lost or kept; bytes may be torn or garbled as well, sector by
// sector. A rename is one change, also between two directories: file systems with a journal keep
// that, and the outbox relies on it. Syncing a file does not make its name durable; syncing a
// directory makes its own name durable, too.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "lib/core/disk.h"

namespace bmsg {

/// Threads: any.
class CutDisk final : public Disk {
 public:
  /// What becomes of bytes that no sync made durable. Torn: each sector is the old or the new one.
  enum class Tail { lost, kept, torn, garbled };
  /// What becomes of names, where no sync made them durable. First: as a journal keeps them. Any:
  /// each for itself, but that changes of one name keep their order.
  enum class Names { lost, kept, first, any };
  enum class Failing { once, from_then_on };

  /// Directories are made below `root` on the real disk too, for locks.
  explicit CutDisk(const std::filesystem::path& root) : root_(root.string()) {}

  /// The power goes instead of the change with that number from now on, counted from 1. A call like
  /// replace() is several. All later calls fail.
  void cut_at(std::uint64_t change);
  /// The call with that number from now on fails with that errno, reading calls too. What was to be
  /// written is there in half.
  void fail_at(std::uint64_t call, int reason, Failing failing);
  void heal();
  /// Whether the power went, or how many calls were made to fail.
  bool is_off() const;
  std::uint64_t failures() const;
  /// Changes and calls since the beginning.
  std::uint64_t changes() const;
  std::uint64_t calls() const;
  /// The power is there again; what was not durable is gone, as drawn.
  void reboot(Tail tail, Names names, std::mt19937_64& random);
  /// Only the process died: all is there, and what was not durable still is not.
  void restart();

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
  Result<std::uint64_t> free_bytes(const std::filesystem::path& directory) const override;

 private:
  struct File {
    Bytes now;
    Bytes synced;
    std::vector<std::pair<std::size_t, std::size_t>> unsynced;  // Begin and end.
    bool is_directory = false;
  };
  using FilePointer = std::shared_ptr<File>;
  using Tree = std::map<std::string, FilePointer>;  // By path.
  /// One change of names: null takes a name away.
  using Change = std::vector<std::pair<std::string, FilePointer>>;

  Result<Done> begin(bool is_change, std::string_view verb, const std::string& path) const;
  void change_names(Change change);
  Result<Done> make_file(const std::string& file, ByteView bytes);
  Result<Done> write(File& file, std::size_t at, ByteView bytes, const std::string& name);
  Result<Done> sync(File& file, const std::string& name);
  Result<Done> fill(const std::string& name, ByteView bytes);
  void apply(const std::vector<bool>& chosen);
  std::vector<bool> drawn(Names names, std::mt19937_64& random) const;
  /// Takes in what a chosen change follows: earlier changes of the same names.
  void close(std::vector<bool>& chosen) const;
  static Bytes drawn(const File& file, Tail tail, std::mt19937_64& random);
  bool is_reached(const std::string& path, const Tree& tree) const;
  FilePointer find(const std::string& path) const;

  std::string root_;
  mutable std::recursive_mutex mutex_;
  Tree now_;
  Tree durable_;
  std::vector<Change> pending_;
  unsigned beside_ = 0;
  mutable std::uint64_t changes_ = 0;
  mutable std::uint64_t calls_ = 0;
  mutable std::uint64_t failures_ = 0;
  mutable std::optional<std::uint64_t> cut_at_;
  mutable std::optional<std::uint64_t> fail_at_;
  int reason_ = 0;
  Failing failing_ = Failing::once;
  mutable bool is_off_ = false;
};

}  // namespace bmsg
