// What RocksDB says about a failure, in our words.

#pragma once

#include <rocksdb/status.h>

#include <string_view>

#include "lib/core/error.h"

namespace bmsg::storage {

/// Errc::corrupt if stored bytes are to blame, Errc::no_resource if there was no memory, else
/// Errc::io. `what` is the beginning of the sentence: "cannot open '…/chain'".
Error error_of(const rocksdb::Status& status, std::string_view what);

/// The same for a database that exists and does not open: what it names and lacks is damage too,
/// and a lock that is held is Errc::locked.
Error open_error_of(const rocksdb::Status& status, std::string_view what);

}  // namespace bmsg::storage
