#include "storage/reader_env.h"

#include <rocksdb/db.h>
#include <rocksdb/metadata.h>

#include <atomic>
#include <utility>
#include <vector>

namespace bmsg::storage {
namespace {

/// A table of which RocksDB reads the end in one piece when it opens it, which is the first that
/// it would have read ahead: the system would do so, and hand over each part by a call of its own.
class EndAtOnce final : public rocksdb::RandomAccessFileWrapper {
 public:
  explicit EndAtOnce(std::unique_ptr<rocksdb::RandomAccessFile> file)
      : RandomAccessFileWrapper(file.get()), owned_(std::move(file)) {}
  rocksdb::Status Prefetch(std::uint64_t offset, std::size_t size) override {
    if (is_open_.exchange(true)) return RandomAccessFileWrapper::Prefetch(offset, size);
    return rocksdb::Status::NotSupported("the end is read at once");
  }

 private:
  std::unique_ptr<rocksdb::RandomAccessFile> owned_;
  std::atomic<bool> is_open_ = false;
};

}  // namespace

ReaderEnv::ReaderEnv(std::unique_ptr<rocksdb::Env> env)
    : EnvWrapper(env.get()), owned_(std::move(env)) {}

ReaderEnv::~ReaderEnv() = default;

void ReaderEnv::begin() {
  const std::lock_guard lock(mutex_);
  tables_.clear();
}

rocksdb::Status ReaderEnv::hold_tables(rocksdb::DB& db) {
  std::vector<rocksdb::LiveFileMetaData> files;
  db.GetLiveFilesMetaData(&files);
  const std::lock_guard lock(mutex_);
  for (const rocksdb::LiveFileMetaData& file : files) {
    const auto [table, is_new] = tables_.try_emplace(file.db_path + file.name);
    if (!is_new) continue;
    auto status =
        EnvWrapper::NewRandomAccessFile(table->first, &table->second, rocksdb::EnvOptions());
    if (!status.ok()) return status;
  }
  return rocksdb::Status::OK();
}

rocksdb::Status ReaderEnv::NewRandomAccessFile(const std::string& name,
                                               std::unique_ptr<rocksdb::RandomAccessFile>* made,
                                               const rocksdb::EnvOptions& options) {
  std::unique_ptr<rocksdb::RandomAccessFile> file;
  {
    const std::lock_guard lock(mutex_);
    file = std::exchange(tables_[name], nullptr);
  }
  if (file == nullptr) {
    auto status = EnvWrapper::NewRandomAccessFile(name, &file, options);
    if (!status.ok()) return status;
  }
  *made = std::make_unique<EndAtOnce>(std::move(file));
  return rocksdb::Status::OK();
}

}  // namespace bmsg::storage
