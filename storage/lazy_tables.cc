#include "storage/lazy_tables.h"

#include <utility>

namespace bmsg::storage {

LazyTables::LazyTables(const rocksdb::BlockBasedTableOptions& options)
    : tables_(rocksdb::NewBlockBasedTableFactory(options)) {}

rocksdb::Status LazyTables::NewTableReader(const rocksdb::ReadOptions& reading,
                                           const rocksdb::TableReaderOptions& options,
                                           std::unique_ptr<rocksdb::RandomAccessFileReader>&& file,
                                           std::uint64_t bytes,
                                           std::unique_ptr<rocksdb::TableReader>* reader,
                                           bool /*all_parts*/) const {
  return tables_->NewTableReader(reading, options, std::move(file), bytes, reader, false);
}

rocksdb::TableBuilder* LazyTables::NewTableBuilder(const rocksdb::TableBuilderOptions& options,
                                                   rocksdb::WritableFileWriter* file) const {
  return tables_->NewTableBuilder(options, file);
}

}  // namespace bmsg::storage
