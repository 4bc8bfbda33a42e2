// A directory that is made beside its place: whole or not there, and nothing left of it.

#include "cli/beside.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

class BesideTest : public ::testing::Test {
 protected:
  fs::path target() const { return place_.path() / "new"; }
  /// What is in the target's directory.
  std::vector<std::string> names() const { return disk_.list(place_.path()).value(); }
  void put_file(const fs::path& directory) {
    ASSERT_TRUE(disk_.create(directory / "file", as_bytes("text")));
  }

  TempDir place_;
  SystemDisk disk_;
};

TEST_F(BesideTest, TakesItsPlaceWhole) {
  {
    Beside beside(disk_, target());
    ASSERT_TRUE(beside.make("test"));
    put_file(beside.path());
    EXPECT_FALSE(fs::exists(target()));
    ASSERT_TRUE(beside.publish());
  }
  EXPECT_EQ(names(), std::vector<std::string>{"new"});
  EXPECT_EQ(disk_.list(target()).value(), std::vector<std::string>{"file"});
}

TEST_F(BesideTest, LeavesNothingIfItWasNotPublished) {
  const fs::path deep = place_.path() / "a" / "b" / "new";
  {
    Beside beside(disk_, deep);
    ASSERT_TRUE(beside.make("test"));
    put_file(beside.path());
    EXPECT_TRUE(fs::exists(deep.parent_path()));
  }
  EXPECT_EQ(names(), std::vector<std::string>());
}

TEST_F(BesideTest, LeavesParentsThatSomebodyElseUses) {
  const fs::path deep = place_.path() / "a" / "b" / "new";
  ASSERT_TRUE(disk_.make_directory(place_.path() / "a"));
  {
    Beside beside(disk_, deep);
    ASSERT_TRUE(beside.make("test"));
    put_file(deep.parent_path());
  }
  EXPECT_TRUE(fs::exists(deep.parent_path() / "file"));
  fs::remove(deep.parent_path() / "file");
  { EXPECT_TRUE(Beside(disk_, deep).make("test")); }
  EXPECT_TRUE(fs::exists(deep.parent_path())) << "it was there before";
}

TEST_F(BesideTest, ReplacesAnEmptyDirectoryAndNothingElse) {
  ASSERT_TRUE(disk_.make_directory(target()));
  Beside beside(disk_, target() / "");
  ASSERT_TRUE(beside.make("test"));
  put_file(target());
  EXPECT_EQ(beside.publish().error().code, Errc::exists);
  EXPECT_EQ(Beside(disk_, target()).make("test").error().code, Errc::exists);
  fs::remove(target() / "file");
  EXPECT_TRUE(beside.publish());
}

TEST_F(BesideTest, RemovesWhatAKilledOneLeft) {
  const fs::path left = place_.path() / ".new.abcdef";
  ASSERT_TRUE(disk_.make_directory(left / "store"));
  ASSERT_TRUE(disk_.create(left / "bmsg-unfinished.lock", as_bytes("1 clone\n")));
  const fs::path before_its_lock = place_.path() / ".new.ghijkl";
  ASSERT_TRUE(disk_.make_directory(before_its_lock));
  Beside beside(disk_, target());
  ASSERT_TRUE(beside.make("test"));
  EXPECT_FALSE(fs::exists(left));
  EXPECT_FALSE(fs::exists(before_its_lock));
}

TEST_F(BesideTest, LeavesWhatIsAtWorkOrNotOurs) {
  Beside other(disk_, target());
  ASSERT_TRUE(other.make("other"));
  const fs::path without_lock = place_.path() / ".new.abcdef";
  const fs::path longer = place_.path() / ".new.abcdefg";
  const fs::path of_another = place_.path() / ".old.abcdef";
  for (const fs::path& one : {without_lock, longer, of_another})
    ASSERT_TRUE(disk_.make_directory(one));
  put_file(without_lock);
  for (const fs::path& one : {longer, of_another})
    ASSERT_TRUE(disk_.create(one / "bmsg-unfinished.lock", {}));
  fs::create_directory_symlink(of_another, place_.path() / ".new.ghijkl");
  Beside beside(disk_, target());
  ASSERT_TRUE(beside.make("test"));
  EXPECT_TRUE(fs::exists(other.path()));
  EXPECT_TRUE(fs::exists(without_lock / "file"));
  EXPECT_TRUE(fs::exists(longer / "bmsg-unfinished.lock"));
  EXPECT_TRUE(fs::exists(of_another / "bmsg-unfinished.lock"));
}

}  // namespace
}  // namespace bmsg::cli
