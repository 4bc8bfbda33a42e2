// The files of a database as RocksDB sees them, without what no command needs.

#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace bmsg::storage {

/// Which names of a directory a crash may still undo, as far as one program made them.
/// Threads: any.
class UnsyncedNames {
 public:
  /// One was made or moved, which is over.
  void add(const std::string& directory);
  /// How many there have been so far; to be asked for before a sync begins.
  std::uint64_t made(const std::string& directory) const;
  /// A sync that began when there were so many is over.
  void synced(const std::string& directory, std::uint64_t made);
  bool has_any(const std::string& directory) const;

 private:
  struct Count {
    std::uint64_t made = 1;  // Whatever others made before.
    std::uint64_t synced = 0;
  };
  mutable std::mutex mutex_;
  mutable std::map<std::string, Count> counts_;  // By directory.
};

/// Makes no file of options, which are in the program; and syncs a directory only where a name in
/// it was made or moved since the last time: RocksDB does so again before the first write to a log
/// whose name came to the disk when the database was opened. A file that was removed and comes back
/// after a crash is one that RocksDB removes as it opens. Threads: any.
class QuietFiles final : public rocksdb::FileSystemWrapper {
 public:
  explicit QuietFiles(const std::shared_ptr<rocksdb::FileSystem>& base);
  const char* Name() const override { return "QuietFiles"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* made,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* made,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& name, const std::string& old_name,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* made,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewRandomRWFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSRandomRWFile>* made,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* made,
                                 rocksdb::IODebugContext* debug) override;

 private:
  std::shared_ptr<UnsyncedNames> names_;  // Directories that are open have it too.
};

}  // namespace bmsg::storage
