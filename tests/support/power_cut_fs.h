// PowerCut: a file system that loses, at a moment of the test's choice, what no sync made durable.
//
// A power cut takes more than a killed process does: bytes that were written and not synced, and in
// a directory that was not synced new names, renames and removals. A file may keep a torn or
// garbled part of what it should have lost. A directory keeps a first part of its changes: file
// systems with a journal keep their order, and RocksDB relies on it. Syncs cost nothing: nothing
// has to reach a disk, only the next process.

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "lib/core/disk.h"

namespace rocksdb {
class Env;
class FileSystem;
}  // namespace rocksdb

namespace bmsg {

/// What is known of each file, and what to lose. Ends the process when its time has come.
/// Threads: any; a change and the cut exclude each other.
class PowerCut {
 public:
  /// What a file keeps of the bytes that were not synced: nothing, a part, a part with a zero in
  /// it. Only logs are garbled: RocksDB refuses a manifest with a garbled end, and file systems
  /// that write data before sizes leave none.
  enum class Tail { clean, torn, garbled };

  static constexpr int kExitCode = 86;

  /// The power goes instead of the sync with that number, counted from 1. `graveyard` is a
  /// directory of the same file system, for what was removed and may come back.
  PowerCut(std::uint64_t sync, Tail tail, std::uint64_t seed, std::filesystem::path graveyard);

  /// While it is held nothing is cut.
  std::unique_lock<std::recursive_mutex> hold() { return std::unique_lock(mutex_); }

  // What wrappers of files report. They hold() over the report and the change itself.
  void made(const std::string& file);
  void wrote(const std::string& file, std::uint64_t bytes);
  void truncated(const std::string& file, std::uint64_t size);

  // Done here. Real files change, syncs are only counted.
  void sync(const std::string& file);
  void sync_directory(const std::string& directory);
  void rename(const std::string& from, const std::string& to);
  void remove(const std::string& file);
  /// Writes over a part of a file and syncs it. The cut leaves of that part what it leaves of bytes
  /// that were not synced, over what was there.
  void overwrite(const std::string& file, std::uint64_t at, const std::string& bytes);

 private:
  struct File {
    std::uint64_t size = 0;
    std::uint64_t synced = 0;
  };
  struct Change {  // Of a directory that was not synced.
    enum class Kind { made, moved, removed } kind;
    std::string file;   // Under its new name.
    std::string from;   // Its old name, if it was moved.
    std::string grave;  // What lay under that name before; empty: nothing.
  };
  struct Part {
    std::string file;
    std::uint64_t at = 0;
    std::string before;  // Shorter where the file ended.
    std::string after;
  };
  void count_sync();
  void tear(const Part& part);
  [[noreturn]] void cut();
  void cut_file(const std::string& name, const File& file);
  void undo(const Change& change);
  std::string bury(const std::string& file);

  std::uint64_t syncs_left_;
  Tail tail_;
  std::mt19937_64 random_;
  std::filesystem::path graveyard_;
  std::recursive_mutex mutex_;
  std::map<std::string, File> files_;
  std::vector<Change> changes_;
  std::optional<Part> part_;  // That is being written.
  unsigned graves_ = 0;
};

/// RocksDB's files under a PowerCut, which must outlive it.
std::shared_ptr<rocksdb::Env> power_cut_env(PowerCut& power);

/// Our own files under the same. Only replace() and overwrite() are cut; the rest is the system's.
class PowerCutDisk final : public Disk {
 public:
  explicit PowerCutDisk(PowerCut& power) : power_(power) {}

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
  PowerCut& power_;
  SystemDisk system_;
};

}  // namespace bmsg
