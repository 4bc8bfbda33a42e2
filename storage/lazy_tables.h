// How tables are opened: no more of them is read than what somebody looks for takes.

#pragma once

#include <rocksdb/table.h>

#include <memory>

namespace bmsg::storage {

/// RocksDB's own tables, whose lists of blocks and filters lie in parts. It would read all parts of
/// each table that it opens, which are hundreds of kilobytes of a large one; here each is read when
/// it is asked for.
/// Threads: any.
class LazyTables final : public rocksdb::TableFactory {
 public:
  explicit LazyTables(const rocksdb::BlockBasedTableOptions& options);

  const char* Name() const override { return "LazyTables"; }
  const rocksdb::Customizable* Inner() const override { return tables_.get(); }

  using TableFactory::NewTableReader;
  rocksdb::Status NewTableReader(const rocksdb::ReadOptions& reading,
                                 const rocksdb::TableReaderOptions& options,
                                 std::unique_ptr<rocksdb::RandomAccessFileReader>&& file,
                                 std::uint64_t bytes, std::unique_ptr<rocksdb::TableReader>* reader,
                                 bool all_parts) const override;
  rocksdb::TableBuilder* NewTableBuilder(const rocksdb::TableBuilderOptions& options,
                                         rocksdb::WritableFileWriter* file) const override;
  bool IsDeleteRangeSupported() const override { return tables_->IsDeleteRangeSupported(); }

 private:
  std::unique_ptr<rocksdb::TableFactory> tables_;
};

}  // namespace bmsg::storage
