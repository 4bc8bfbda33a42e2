#include "storage/reader_env.h"

#include <rocksdb/db.h>
#include <rocksdb/metadata.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace bmsg::storage {
namespace {

// The last bytes of a table, which say where the rest lies, or all of a small one.
constexpr std::uint64_t kEndBytes = 8u << 10;

/// A table of which the end is read once, and as little as that takes. RocksDB would read ahead
/// half a megabyte of what it opens first, and the system hands over each part by a call of its
/// own.
class EndAtOnce final : public rocksdb::RandomAccessFileWrapper {
 public:
  explicit EndAtOnce(std::unique_ptr<rocksdb::RandomAccessFile> file)
      : RandomAccessFileWrapper(file.get()), owned_(std::move(file)) {}

  /// The first time it is asked for the end of the table, by whoever opens it.
  rocksdb::Status Prefetch(std::uint64_t offset, std::size_t size) override {
    if (is_open_.exchange(true)) return RandomAccessFileWrapper::Prefetch(offset, size);
    const std::uint64_t bytes = std::min<std::uint64_t>(size, kEndBytes);
    const std::uint64_t from = offset + size - bytes;
    std::string end(bytes, '\0');
    rocksdb::Slice read;
    const auto status = RandomAccessFileWrapper::Read(from, bytes, &read, end.data());
    // What could not be read is tried again, and told, by who needs it.
    if (!status.ok() || read.size() != bytes || read.data() != end.data()) return status;
    end_from_ = from;
    end_ = std::move(end);
    return status;
  }

  rocksdb::Status Read(std::uint64_t offset, std::size_t size, rocksdb::Slice* result,
                       char* scratch) const override {
    if (end_.empty() || offset < end_from_ || offset + size > end_from_ + end_.size())
      return RandomAccessFileWrapper::Read(offset, size, result, scratch);
    std::memcpy(scratch, end_.data() + (offset - end_from_), size);
    *result = rocksdb::Slice(scratch, size);
    return rocksdb::Status::OK();
  }

 private:
  std::unique_ptr<rocksdb::RandomAccessFile> owned_;
  std::atomic<bool> is_open_ = false;
  // Written before others read from it: RocksDB opens a table in one thread.
  std::uint64_t end_from_ = 0;
  std::string end_;
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
