// What a failure of RocksDB is told as.

#include "storage/rocks_status.h"

#include <gtest/gtest.h>

namespace bmsg::storage {
namespace {

TEST(RocksStatus, TellsWantOfMemoryFromABrokenDisk) {
  for (const auto& told : {error_of, open_error_of}) {
    const std::string place = "While opendir: /somewhere/chain";
    const auto memory = rocksdb::Status::IOError(place, "Cannot allocate memory");
    EXPECT_EQ(told(memory, "cannot open").code, Errc::no_resource);
    const auto disk = rocksdb::Status::IOError(place, "Input/output error");
    EXPECT_EQ(told(disk, "cannot open").code, Errc::io);
    // A name that says so is no reason.
    const auto named = rocksdb::Status::IOError("/Cannot allocate memory", "Input/output error");
    EXPECT_EQ(told(named, "cannot open").code, Errc::io);
  }
}

}  // namespace
}  // namespace bmsg::storage
