// What a database that is open for reading keeps of the logs that writers left.

#pragma once

#include <rocksdb/memtablerep.h>

namespace bmsg::storage {

/// Records that all come before anybody looks: they are sorted once, by whoever looks first, which
/// takes a fraction of putting each into its place in a list as it comes.
/// Threads: any for looking; one for what comes, before.
class ReaderTableFactory final : public rocksdb::MemTableRepFactory {
 public:
  const char* Name() const override { return "ReaderTable"; }
  rocksdb::MemTableRep* CreateMemTableRep(const rocksdb::MemTableRep::KeyComparator& compare,
                                          rocksdb::Allocator* allocator,
                                          const rocksdb::SliceTransform* transform,
                                          rocksdb::Logger* logger) override;
};

}  // namespace bmsg::storage
