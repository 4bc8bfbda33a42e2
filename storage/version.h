// Version of the database library.

#pragma once

#include <string>

namespace bmsg::storage {

/// "7.8.3": of the RocksDB that is running.
std::string rocksdb_version();

}  // namespace bmsg::storage
