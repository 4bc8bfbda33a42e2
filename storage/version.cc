#include "storage/version.h"

#include <rocksdb/version.h>

namespace bmsg::storage {

std::string rocksdb_version() { return rocksdb::GetRocksVersionAsString(); }

}  // namespace bmsg::storage
