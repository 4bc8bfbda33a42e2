// Files beside those whose place they take: what the dead left goes, what the living have stays.

#include "lib/core/unplaced_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "lib/core/disk.h"
#include "tests/support/temp_dir.h"

namespace bmsg {
namespace {

namespace fs = std::filesystem;

class UnplacedFile : public testing::Test {
 protected:
  /// Makes one in a process that is killed; its name.
  fs::path left_by_the_dead(const fs::path& file) {
    const pid_t child = ::fork();
    if (child == 0) {
      std::string name;
      const Descriptor made = unplaced_file(file, name);
      (void)::raise(SIGKILL);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    const auto names = disk_.list(dir_.path()).value();
    for (const std::string& name : names) {
      if (name.starts_with(fmt::format(".{}.bmsg", file.filename().string())))
        return dir_.path() / name;
    }
    ADD_FAILURE() << "nothing was left";
    return {};
  }

  TempDir dir_;
  SystemDisk disk_;
  const fs::path file_ = dir_.path() / "keyring";
};

TEST_F(UnplacedFile, GoesOnceItsMakerIsDead) {
  const fs::path left = left_by_the_dead(file_);
  ASSERT_TRUE(fs::exists(left));
  const fs::path another = left_by_the_dead(dir_.path() / "another");
  ASSERT_TRUE(disk_.replace(file_, as_bytes("new")));
  EXPECT_FALSE(fs::exists(left));
  EXPECT_TRUE(fs::exists(another)) << "it is of another file";
  EXPECT_EQ(to_string(*disk_.read(file_, 100).value()), "new");
}

TEST_F(UnplacedFile, StaysWhileItsMakerLives) {
  std::string first;
  const Descriptor made = unplaced_file(file_, first);
  ASSERT_TRUE(made);
  ASSERT_TRUE(disk_.replace(file_, as_bytes("another's")));
  EXPECT_TRUE(fs::exists(first));
}

TEST_F(UnplacedFile, TakesNobodysFileForOne) {
  std::vector<fs::path> others;
  for (const char* name : {".keyring.bmsg", ".keyring.bmsgABCDE", ".keyring.bmsgABCDEFG",
                           ".keyring.ABCDEF", "keyring.bmsgABCDEF", ".keyrings.bmsgABCDEF"}) {
    others.push_back(dir_.path() / name);
    ASSERT_TRUE(disk_.create(others.back(), as_bytes("mine")));
  }
  others.push_back(dir_.path() / ".keyring.bmsgDIRECT");
  fs::create_directory(others.back());
  others.push_back(dir_.path() / ".keyring.bmsgSYMBOL");
  fs::create_symlink(others.front(), others.back());
  ASSERT_TRUE(disk_.replace(file_, as_bytes("new")));
  for (const fs::path& other : others) EXPECT_TRUE(fs::exists(other)) << other;
}

TEST_F(UnplacedFile, IsForItsOwnerAlone) {
  std::string name;
  const Descriptor made = unplaced_file(file_, name);
  EXPECT_EQ(fs::status(name).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(UnplacedFile, IsNotMadeWhereThereIsNoDirectory) {
  std::string name;
  EXPECT_FALSE(unplaced_file(dir_.path() / "none" / "file", name));
}

TEST_F(UnplacedFile, IsMadeInTheWorkingDirectoryToo) {
  const fs::path before = fs::current_path();
  fs::current_path(dir_.path());
  EXPECT_TRUE(disk_.replace("bare", as_bytes("new")));
  fs::current_path(before);
  EXPECT_TRUE(fs::exists(dir_.path() / "bare"));
}

}  // namespace
}  // namespace bmsg
