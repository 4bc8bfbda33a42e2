// The real disk: what it makes, what it refuses, and what it says.

#include "lib/core/disk.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/temp_dir.h"

namespace bmsg {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMost = 1 << 20;

class DiskTest : public testing::Test {
 protected:
  fs::path path(std::string_view name) const { return dir_.path() / name; }
  std::string text_of(std::string_view name) const {
    const auto bytes = disk_.read(path(name), kMost).value();
    return bytes ? to_string(*bytes) : "(none)";
  }
  static unsigned mode_of(const fs::path& file) {
    struct stat found {};
    EXPECT_EQ(::stat(file.c_str(), &found), 0);
    return found.st_mode & 07777;
  }
  std::vector<std::string> names() const { return disk_.list(dir_.path()).value(); }

  TempDir dir_;
  SystemDisk disk_;
};

TEST_F(DiskTest, ReadsWhatItCreated) {
  ASSERT_TRUE(disk_.create(path("file"), as_bytes("words")));
  EXPECT_EQ(text_of("file"), "words");
  EXPECT_EQ(text_of("none"), "(none)");
  ASSERT_TRUE(disk_.create(path("empty"), {}));
  EXPECT_EQ(text_of("empty"), "");
}

TEST_F(DiskTest, ReadsUpToTheLimitAndNotOneByteMore) {
  for (const std::size_t size : {std::size_t{5}, std::size_t{65536}, std::size_t{200'000}}) {
    ASSERT_TRUE(disk_.replace(path("file"), Bytes(size, 7)));
    EXPECT_EQ(disk_.read(path("file"), size).value(), Bytes(size, 7));
    EXPECT_EQ(disk_.read(path("file"), size - 1).error().code, Errc::corrupt);
  }
}

TEST_F(DiskTest, ReadsFilesOfAnySizeAndThoseThatTellNone) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{511}, std::size_t{512},
                                 std::size_t{513}, kMost - 1, kMost, kMost + 1, 3 * kMost + 7}) {
    Bytes bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    ASSERT_TRUE(disk_.replace(path("sized"), bytes));
    EXPECT_EQ(disk_.read(path("sized"), SIZE_MAX).value(), bytes) << size;
    EXPECT_EQ(disk_.read(path("sized"), size).value(), bytes) << size;
    if (size == 0) continue;
    EXPECT_FALSE(disk_.read(path("sized"), size - 1)) << size;
  }
  EXPECT_NE(to_string(disk_.read("/proc/self/status", 1 << 16).value().value()).find("VmSize"),
            std::string::npos);
}

TEST_F(DiskTest, CreatesForItsOwnerOnlyAndOnlyOnce) {
  ASSERT_TRUE(disk_.create(path("file"), as_bytes("first")));
  EXPECT_EQ(mode_of(path("file")), 0600u);
  EXPECT_EQ(disk_.create(path("file"), as_bytes("second")).error().code, Errc::exists);
  EXPECT_EQ(text_of("file"), "first");
}

TEST_F(DiskTest, FollowsNoLinkWhenItCreates) {
  fs::create_symlink(path("elsewhere"), path("link"));
  EXPECT_FALSE(disk_.create(path("link"), as_bytes("words")));
  EXPECT_EQ(text_of("elsewhere"), "(none)");
}

TEST_F(DiskTest, ReplacesWholeAndLeavesNothingBeside) {
  ASSERT_TRUE(disk_.replace(path("file"), as_bytes("first, and longer")));
  ASSERT_TRUE(disk_.replace(path("file"), as_bytes("second")));
  EXPECT_EQ(text_of("file"), "second");
  EXPECT_EQ(mode_of(path("file")), 0600u);
  EXPECT_EQ(names(), std::vector<std::string>{"file"});
}

TEST_F(DiskTest, ReplaceThatFailsLeavesTheOldAndNothingBeside) {
  ASSERT_TRUE(disk_.make_directory(path("target")));
  ASSERT_TRUE(disk_.create(path("target/file"), as_bytes("old")));
  EXPECT_FALSE(disk_.replace(path("target"), as_bytes("new")));
  EXPECT_EQ(text_of("target/file"), "old");
  EXPECT_EQ(names(), std::vector<std::string>{"target"});
}

TEST_F(DiskTest, LinksOnlyToFreeNames) {
  ASSERT_TRUE(disk_.create(path("file"), as_bytes("words")));
  ASSERT_TRUE(disk_.link(path("file"), path("name")));
  EXPECT_EQ(text_of("name"), "words");
  EXPECT_EQ(disk_.link(path("file"), path("name")).error().code, Errc::exists);
}

TEST_F(DiskTest, RenamesAndRemoves) {
  ASSERT_TRUE(disk_.create(path("from"), as_bytes("words")));
  ASSERT_TRUE(disk_.rename(path("from"), path("to")));
  EXPECT_EQ(text_of("from"), "(none)");
  EXPECT_EQ(text_of("to"), "words");
  ASSERT_TRUE(disk_.remove(path("to")));
  EXPECT_EQ(text_of("to"), "(none)");
  EXPECT_TRUE(disk_.remove(path("to")));
  EXPECT_EQ(disk_.rename(path("none"), path("to")).error().code, Errc::io);
}

TEST_F(DiskTest, MakesDirectoriesWithTheirParentsForTheirOwner) {
  ASSERT_TRUE(disk_.make_directory(path("a/b/c")));
  EXPECT_EQ(mode_of(path("a")), 0700u);
  EXPECT_EQ(mode_of(path("a/b/c")), 0700u);
  EXPECT_TRUE(disk_.make_directory(path("a/b/c")));
  EXPECT_TRUE(disk_.make_directory(path("a/d/")));
  ASSERT_TRUE(disk_.create(path("file"), {}));
  EXPECT_FALSE(disk_.make_directory(path("file")));
  EXPECT_FALSE(disk_.make_directory(path("file/below")));
}

TEST_F(DiskTest, WritesOverAPartOfAFile) {
  EXPECT_FALSE(disk_.overwrite(path("a"), 0, to_bytes("x")));
  EXPECT_TRUE(names().empty());
  ASSERT_TRUE(disk_.create(path("a"), to_bytes("abcdef")));
  ASSERT_TRUE(disk_.overwrite(path("a"), 2, to_bytes("XY")));
  EXPECT_EQ(to_string(*disk_.read(path("a"), 100).value()), "abXYef");
  ASSERT_TRUE(disk_.overwrite(path("a"), 8, to_bytes("Z")));
  EXPECT_EQ(to_string(*disk_.read(path("a"), 100).value()), std::string("abXYef\0\0Z", 9));
}

TEST_F(DiskTest, ListsFewNamesAndNoMore) {
  for (const char* name : {"c", "a", "b"}) ASSERT_TRUE(disk_.create(path(name), {}));
  EXPECT_EQ(disk_.list_few(dir_.path(), 3).value(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(disk_.list_few(dir_.path(), 2).value(), std::nullopt);
  EXPECT_EQ(disk_.list_few(dir_.path(), 0).value(), std::nullopt);
  EXPECT_TRUE(disk_.list_few(path("none"), 0).value().value().empty());
  EXPECT_EQ(disk_.list_few(path("a"), 9).error().code, Errc::io);
}

TEST_F(DiskTest, ListsNamesInOrder) {
  for (const char* name : {"b", "a", ".hidden", "c"}) ASSERT_TRUE(disk_.create(path(name), {}));
  EXPECT_EQ(names(), (std::vector<std::string>{".hidden", "a", "b", "c"}));
  EXPECT_TRUE(disk_.list(path("none")).value().empty());
  EXPECT_EQ(disk_.list(path("a")).error().code, Errc::io);
}

TEST_F(DiskTest, SyncsDirectoriesAndKnowsTheFreeSpace) {
  EXPECT_TRUE(disk_.sync_directory(dir_.path()));
  EXPECT_FALSE(disk_.sync_directory(path("none")));
  EXPECT_GT(disk_.free_bytes(dir_.path()).value(), 0u);
  EXPECT_FALSE(disk_.free_bytes(path("none")));
}

TEST_F(DiskTest, NamesThePathAndTheReason) {
  const auto made = disk_.create(path("none/file"), {});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::io);
  EXPECT_NE(made.error().message.find("none/file"), std::string::npos);
  EXPECT_NE(made.error().message.find("No such file"), std::string::npos);
  EXPECT_EQ(disk_.read(dir_.path(), kMost).error().code, Errc::io);
}

TEST_F(DiskTest, TellsPermissionsFromFailures) {
  constexpr uid_t kNobody = 65534;
  ASSERT_TRUE(disk_.create(path("file"), {}));
  ASSERT_EQ(::chmod(path("file").c_str(), 0), 0);
  const uid_t user = ::geteuid();  // Root may read everything.
  ASSERT_EQ(::seteuid(user == 0 ? kNobody : user), 0);
  const auto read = disk_.read(path("file"), kMost);
  ASSERT_EQ(::seteuid(user), 0);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::denied);
}

}  // namespace
}  // namespace bmsg
