#include "storage/late_start.h"

#include <mutex>

// What CMakeLists.txt renames .init_array of RocksDB's archive to, bounded by the linker. Where
// nothing was renamed there is no such section, and the loader has run them already.
using Initializer = void (*)();
extern "C" {
[[gnu::weak]] extern const Initializer __start_bmsg_rocksdb_start[];
[[gnu::weak]] extern const Initializer __stop_bmsg_rocksdb_start[];
}

namespace bmsg::storage {

void start_rocksdb() {
  static std::once_flag is_started;
  std::call_once(is_started, [] {
    for (const Initializer* one = __start_bmsg_rocksdb_start; one != __stop_bmsg_rocksdb_start;
         ++one)
      (*one)();
  });
}

}  // namespace bmsg::storage
