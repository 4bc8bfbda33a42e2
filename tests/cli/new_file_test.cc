#include "cli/new_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/fault_disk.h"
#include "tests/support/few_descriptors.h"
#include "tests/support/temp_dir.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

/// What lies in a directory.
std::ptrdiff_t count_files(const fs::path& directory) {
  return std::distance(fs::directory_iterator(directory), fs::directory_iterator());
}

TEST(NewFile, IsThereWholeOrNotAtAll) {
  const TempDir place;
  SystemDisk system;
  const fs::path file = place.path() / "new";
  for (const std::uint64_t call : {0U, 1U}) {  // The name, and the directory that has it.
    FaultDisk disk(system);
    {
      NewFile made(disk, file);
      ASSERT_TRUE(made.open());
      ASSERT_TRUE(made.write(as_bytes("text")));
      disk.fail_after(call, Failing::once);
      EXPECT_FALSE(made.publish());
      EXPECT_EQ(disk.failures(), 1U);
      EXPECT_FALSE(fs::exists(file)) << "call " << call;
    }
    EXPECT_EQ(count_files(place.path()), 0);
  }
  NewFile made(system, file);
  ASSERT_TRUE(made.open());
  ASSERT_TRUE(made.write(as_bytes("text")));
  ASSERT_TRUE(made.publish());
  EXPECT_TRUE(fs::exists(file));
}

// UBSan asks by a pipe whether memory is there: without descriptors it takes no object for one.
#ifndef __SANITIZE_ADDRESS__
TEST(NewFile, SaysThatThereAreNoDescriptors) {
  const TempDir place;
  SystemDisk disk;
  NewFile made(disk, place.path() / "new");
  {
    const FewDescriptors none(0);
    const auto opened = made.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::no_resource);
  }
  EXPECT_TRUE(made.open());
}
#endif

TEST(NewFile, IsMovedToItsNameWhereThereAreNoLinks) {
  const TempDir place;
  SystemDisk system;
  FaultDisk disk(system, Errc::denied);
  const fs::path file = place.path() / "new";
  const fs::path beside = place.path() / ".new";
  ASSERT_TRUE(system.create(beside, as_bytes("text")));
  disk.fail_after(0, Failing::once);
  EXPECT_TRUE(give_name(disk, beside, file));
  EXPECT_EQ(disk.failures(), 1U);
  EXPECT_FALSE(fs::exists(beside));
  EXPECT_EQ(to_string(system.read(file, 100).value().value()), "text");
  // The place is taken now.
  ASSERT_TRUE(system.create(beside, as_bytes("other")));
  disk.fail_after(0, Failing::once);
  EXPECT_EQ(give_name(disk, beside, file).error().code, Errc::exists);
  EXPECT_EQ(give_name(system, beside, file).error().code, Errc::exists);
  EXPECT_EQ(to_string(system.read(file, 100).value().value()), "text");
  EXPECT_TRUE(fs::exists(beside));
  // What fails otherwise is no matter of rights.
  disk.fail_after(0, Failing::once);
  EXPECT_EQ(give_name(disk, place.path() / "none", place.path() / "more").error().code, Errc::io);
}

TEST(NewFile, LeavesAnothersFileOfThatNameAlone) {
  const TempDir place;
  SystemDisk disk;
  const fs::path file = place.path() / "new";
  NewFile made(disk, file);
  ASSERT_TRUE(made.open());
  ASSERT_TRUE(disk.create(file, as_bytes("another's")));
  EXPECT_FALSE(made.publish());
  EXPECT_TRUE(fs::exists(file));
}

}  // namespace
}  // namespace bmsg::cli
