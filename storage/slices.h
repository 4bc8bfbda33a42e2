// Bytes as RocksDB's slices and back, and what a look-up came to. Internal to storage.

#pragma once

#include <rocksdb/slice.h>
#include <rocksdb/status.h>

#include <optional>
#include <string>

#include "lib/core/bytes.h"
#include "lib/core/result.h"
#include "storage/rocks_status.h"

namespace bmsg::storage {

inline rocksdb::Slice slice(ByteView bytes) {
  if (bytes.empty()) return {};  // Its own empty one: ours may point nowhere.
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline ByteView bytes_of(const rocksdb::Slice& slice) {
  return {reinterpret_cast<const std::uint8_t*>(slice.data()), slice.size()};
}

/// What a scan shows, where it lies. ThreadSanitizer does not see by what a table in memory, which
/// is RocksDB's, lets this thread read what another has put there: for it RocksDB makes a copy.
class Shown {
 public:
#ifdef __SANITIZE_THREAD__
  explicit Shown(const rocksdb::Slice& slice) : copy_(slice.ToString(false)) {}
  ByteView view() const { return as_bytes(copy_); }

 private:
  std::string copy_;
#else
  explicit Shown(const rocksdb::Slice& slice) : slice_(slice) {}
  ByteView view() const { return bytes_of(slice_); }

 private:
  rocksdb::Slice slice_;
#endif
};

inline Result<std::optional<Bytes>> answer_of(const rocksdb::Status& status,
                                              const rocksdb::PinnableSlice& value) {
  if (status.IsNotFound()) return std::optional<Bytes>();
  if (!status.ok()) return error_of(status, "cannot read the database");
  return std::optional(to_bytes(bytes_of(value)));
}

}  // namespace bmsg::storage
