#include "storage/late_start.h"

#include <mutex>

#include "storage/log_checksum.h"

// What CMakeLists.txt renames .init_array of RocksDB's archive to, bounded by the linker. Where
// nothing was renamed there are no such sections, and the loader has run them already.
using Initializer = void (*)();
extern "C" {
[[gnu::weak]] extern const Initializer __start_bmsg_rocksdb_start[];
[[gnu::weak]] extern const Initializer __stop_bmsg_rocksdb_start[];
[[gnu::weak]] extern const Initializer __start_bmsg_rocksdb_write_start[];
[[gnu::weak]] extern const Initializer __stop_bmsg_rocksdb_write_start[];
}

namespace bmsg::storage {
namespace {

void run(const Initializer* from, const Initializer* to) {
  for (const Initializer* one = from; one != to; ++one) (*one)();
}

}  // namespace

void start_rocksdb() {
  static std::once_flag is_started;
  std::call_once(is_started, [] {
    run(__start_bmsg_rocksdb_start, __stop_bmsg_rocksdb_start);
    choose_log_checksum();
  });
}

void start_rocksdb_writing() {
  start_rocksdb();
  static std::once_flag is_started;
  std::call_once(is_started, run, __start_bmsg_rocksdb_write_start,
                 __stop_bmsg_rocksdb_write_start);
}

}  // namespace bmsg::storage
