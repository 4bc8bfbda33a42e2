// That the fake disk takes what a power cut may take, and nothing else: a test that trusts it would
// show nothing otherwise.

#include "tests/support/cut_disk.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "tests/support/seed.h"
#include "tests/support/temp_dir.h"

namespace bmsg {
namespace {

class CutDiskTest : public ::testing::Test {
 protected:
  void reboot(CutDisk::Tail tail, CutDisk::Names names) { disk_.reboot(tail, names, random_); }
  std::string text(const char* name) const {
    const auto bytes = disk_.read(file(name), 1 << 20).value();
    return bytes ? to_string(*bytes) : "none";
  }
  std::filesystem::path file(const char* name) const { return temp_.path() / name; }

  TempDir temp_;
  CutDisk disk_{temp_.path()};
  std::mt19937_64 random_ = seeded_numbers();
};

TEST_F(CutDiskTest, LosesNamesUntilTheirDirectoryIsSynced) {
  ASSERT_TRUE(disk_.create(file("a"), to_bytes("one")));
  reboot(CutDisk::Tail::kept, CutDisk::Names::lost);
  EXPECT_EQ(text("a"), "none");
  ASSERT_TRUE(disk_.create(file("a"), to_bytes("one")));
  ASSERT_TRUE(disk_.sync_directory(temp_.path()));
  ASSERT_TRUE(disk_.rename(file("a"), file("b")));
  reboot(CutDisk::Tail::lost, CutDisk::Names::lost);
  EXPECT_EQ(text("a"), "one");
  EXPECT_EQ(text("b"), "none");
  ASSERT_TRUE(disk_.rename(file("a"), file("b")));
  reboot(CutDisk::Tail::lost, CutDisk::Names::kept);
  EXPECT_EQ(text("a") + text("b"), "noneone");
}

TEST_F(CutDiskTest, LosesBytesUntilTheyAreSynced) {
  ASSERT_TRUE(disk_.replace(file("a"), Bytes(1024, 'a')));
  reboot(CutDisk::Tail::lost, CutDisk::Names::lost);
  EXPECT_EQ(text("a"), std::string(1024, 'a'));
  bool was_torn = false;
  bool was_garbled = false;
  for (int i = 0; i < 60; ++i) {
    ASSERT_TRUE(disk_.replace(file("a"), Bytes(1024, 'a')));
    disk_.cut_at(2);  // Instead of the sync.
    EXPECT_FALSE(disk_.overwrite(file("a"), 0, Bytes(1024, 'b')));
    EXPECT_TRUE(disk_.is_off());
    const auto tail = static_cast<CutDisk::Tail>(i % 4);
    reboot(tail, CutDisk::Names::lost);
    const std::string found = text("a");
    const bool is_old = found == std::string(1024, 'a');
    const bool is_new = found == std::string(1024, 'b');
    if (tail == CutDisk::Tail::lost) {
      EXPECT_TRUE(is_old);
    } else if (tail == CutDisk::Tail::kept) {
      EXPECT_TRUE(is_new);
    } else {
      (tail == CutDisk::Tail::torn ? was_torn : was_garbled) |= !is_old && !is_new;
    }
  }
  EXPECT_TRUE(was_torn && was_garbled);
}

TEST_F(CutDiskTest, KeepsChangesOfOneNameInOrder) {
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(disk_.replace(file("a"), to_bytes("old")));
    ASSERT_TRUE(disk_.remove(file("b")));
    ASSERT_TRUE(disk_.sync_directory(temp_.path()));
    ASSERT_TRUE(disk_.link(file("a"), file("b")));
    ASSERT_TRUE(disk_.remove(file("b")));
    reboot(CutDisk::Tail::lost, CutDisk::Names::any);
    EXPECT_EQ(text("a"), "old");
  }
}

TEST_F(CutDiskTest, FailsAsItIsTold) {
  disk_.fail_at(2, EMFILE, CutDisk::Failing::once);
  EXPECT_TRUE(disk_.list(temp_.path()));
  EXPECT_EQ(disk_.replace(file("a"), to_bytes("one")).error().code, Errc::no_resource);
  EXPECT_TRUE(disk_.replace(file("a"), to_bytes("one")));
  disk_.fail_at(1, ENOSPC, CutDisk::Failing::from_then_on);
  EXPECT_EQ(disk_.replace(file("a"), to_bytes("two")).error().code, Errc::io);
  EXPECT_FALSE(disk_.replace(file("a"), to_bytes("two")));
  EXPECT_EQ(disk_.failures(), 2u);
  disk_.heal();
  EXPECT_EQ(text("a"), "one");
}

}  // namespace
}  // namespace bmsg
