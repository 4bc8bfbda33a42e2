// What RocksDB sees of the machine while a database is open for reading.

#pragma once

#include <rocksdb/env.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace rocksdb {
class DB;
}  // namespace rocksdb

namespace bmsg::storage {

/// An Env in which nothing runs in the background, for nothing does in a read-only database, and
/// in which tables that nobody has looked at yet stay there for whoever will: a writer beside us
/// removes files that it has merged with others.
/// Threads: any.
class ReaderEnv final : public rocksdb::EnvWrapper {
 public:
  explicit ReaderEnv(std::unique_ptr<rocksdb::Env> env);
  ~ReaderEnv() override;

  /// What comes is another try to open: nothing is held for it.
  void begin();
  /// Holds each table of `db` that it has not opened. Fails if one of them is gone already.
  rocksdb::Status hold_tables(rocksdb::DB& db);
  /// How many there are, opened or held. Not beside the two above.
  std::size_t tables() const { return tables_.size(); }

  rocksdb::Status NewRandomAccessFile(const std::string& name,
                                      std::unique_ptr<rocksdb::RandomAccessFile>* made,
                                      const rocksdb::EnvOptions& options) override;
  void IncBackgroundThreadsIfNeeded(int, Priority) override {}

 private:
  std::unique_ptr<rocksdb::Env> owned_;
  std::mutex mutex_;
  /// By its path. Null: it was opened, or handed over.
  std::map<std::string, std::unique_ptr<rocksdb::RandomAccessFile>> tables_;
};

}  // namespace bmsg::storage
