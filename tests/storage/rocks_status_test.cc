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

TEST(RocksStatus, TellsWantOfDescriptorsFromABrokenDiskOrBadOptions) {
  for (const auto& told : {error_of, open_error_of}) {
    for (const std::string lack : {"Too many open files", "Too many open files in system"}) {
      const auto file = rocksdb::Status::IOError("While opendir: /somewhere/chain", lack);
      EXPECT_EQ(told(file, "cannot open").code, Errc::no_resource) << lack;
      // It tries a file first to see what the file system can.
      const auto tried = rocksdb::Status::InvalidArgument(
          "Found options incompatible with filesystem", "IO error: /somewhere/CURRENT: " + lack);
      EXPECT_EQ(told(tried, "cannot open").code, Errc::no_resource) << lack;
      const auto named = rocksdb::Status::IOError("/" + lack, "Input/output error");
      EXPECT_EQ(told(named, "cannot open").code, Errc::io) << lack;
      const auto damaged = rocksdb::Status::Corruption("/somewhere/CURRENT", lack);
      EXPECT_EQ(told(damaged, "cannot open").code, Errc::corrupt) << lack;
    }
  }
}

}  // namespace
}  // namespace bmsg::storage
