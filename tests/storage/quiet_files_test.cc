// A directory is synced where a name in it changed since the last time, and only there.

#include <gtest/gtest.h>

#include <functional>

#include "storage/quiet_files.h"
#include "tests/storage/store_dir.h"

namespace bmsg::storage {
namespace {

using rocksdb::IOOptions;
using rocksdb::IOStatus;

/// The system's, which counts syncs of directories, and fails them while it is told to.
class CountedSyncs final : public rocksdb::FileSystemWrapper {
 public:
  CountedSyncs() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "CountedSyncs"; }

  IOStatus NewDirectory(const std::string& name, const IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* made,
                        rocksdb::IODebugContext* debug) override {
    auto status = FileSystemWrapper::NewDirectory(name, options, made, debug);
    if (status.ok()) *made = std::make_unique<Counted>(std::move(*made), *this);
    return status;
  }

  int syncs = 0;
  bool fails = false;
  std::function<void()> meanwhile;  // While a sync is under way.

 private:
  class Counted final : public rocksdb::FSDirectoryWrapper {
   public:
    Counted(std::unique_ptr<rocksdb::FSDirectory> directory, CountedSyncs& owner)
        : FSDirectoryWrapper(std::move(directory)), owner_(owner) {}
    IOStatus Fsync(const IOOptions&, rocksdb::IODebugContext*) override {
      ++owner_.syncs;
      if (owner_.meanwhile) std::exchange(owner_.meanwhile, nullptr)();
      return owner_.fails ? IOStatus::IOError("told to fail") : IOStatus::OK();
    }
    IOStatus FsyncWithDirOptions(const IOOptions& options, rocksdb::IODebugContext* debug,
                                 const rocksdb::DirFsyncOptions&) override {
      return Fsync(options, debug);
    }

   private:
    CountedSyncs& owner_;
  };
};

class QuietFilesTest : public ::testing::Test {
 protected:
  std::string file(const std::string& name) const { return (temp_.path() / name).string(); }

  std::unique_ptr<rocksdb::FSDirectory> directory(const std::string& name) {
    std::unique_ptr<rocksdb::FSDirectory> opened;
    check(files_.NewDirectory(name, {}, &opened, nullptr).ok(), "a test's directory");
    return opened;
  }

  IOStatus make(const std::string& name) {
    std::unique_ptr<rocksdb::FSWritableFile> made;
    return files_.NewWritableFile(file(name), {}, &made, nullptr);
  }

  /// Whether the next sync of a directory reaches the disk.
  bool reaches(rocksdb::FSDirectory& directory) {
    const int before = base_->syncs;
    check(directory.FsyncWithDirOptions({}, nullptr, rocksdb::DirFsyncOptions()).ok(), "a sync");
    return base_->syncs > before;
  }

  TempDir temp_;
  std::shared_ptr<CountedSyncs> base_ = std::make_shared<CountedSyncs>();
  QuietFiles files_{base_};
};

TEST_F(QuietFilesTest, OnlyWhereANameChanged) {
  const auto place = directory(temp_.path().string());
  EXPECT_TRUE(reaches(*place)) << "nobody knows what others made before";
  EXPECT_FALSE(reaches(*place));
  ASSERT_TRUE(make("a").ok());
  EXPECT_TRUE(reaches(*place));
  EXPECT_FALSE(reaches(*place));
  ASSERT_TRUE(files_.RenameFile(file("a"), file("b"), {}, nullptr).ok());
  EXPECT_TRUE(reaches(*place));
  ASSERT_TRUE(files_.LinkFile(file("b"), file("c"), {}, nullptr).ok());
  EXPECT_TRUE(reaches(*place));
  std::unique_ptr<rocksdb::FSWritableFile> again;
  ASSERT_TRUE(files_.ReopenWritableFile(file("b"), {}, &again, nullptr).ok());
  EXPECT_TRUE(reaches(*place));
  ASSERT_TRUE(files_.ReuseWritableFile(file("d"), file("b"), {}, &again, nullptr).ok());
  EXPECT_TRUE(reaches(*place));
  ASSERT_TRUE(files_.DeleteFile(file("c"), {}, nullptr).ok());
  EXPECT_FALSE(reaches(*place));
}

/// However the directory is named, and through whichever of its handles.
TEST_F(QuietFilesTest, OneDirectoryIsOne) {
  const auto place = directory(temp_.path().string());
  const auto same = directory(temp_.path().string() + "/");
  ASSERT_TRUE(make("a").ok());
  EXPECT_TRUE(reaches(*place));
  EXPECT_FALSE(reaches(*same));
  ASSERT_TRUE(make("b").ok());
  EXPECT_TRUE(reaches(*same));
  EXPECT_FALSE(reaches(*place));
}

TEST_F(QuietFilesTest, AnotherDirectoryIsAnother) {
  std::filesystem::create_directory(temp_.path() / "in");
  const auto place = directory(temp_.path().string());
  const auto inner = directory(file("in"));
  EXPECT_TRUE(reaches(*place));
  EXPECT_TRUE(reaches(*inner));
  ASSERT_TRUE(files_.RenameFile(file("in"), file("in"), {}, nullptr).ok());
  EXPECT_FALSE(reaches(*inner));
  ASSERT_TRUE(make("in/a").ok());
  EXPECT_TRUE(reaches(*inner));
  ASSERT_TRUE(files_.RenameFile(file("in/a"), file("a"), {}, nullptr).ok());
  EXPECT_TRUE(reaches(*inner));
  EXPECT_TRUE(reaches(*place));
}

TEST_F(QuietFilesTest, ASyncThatFailedIsNone) {
  const auto place = directory(temp_.path().string());
  base_->fails = true;
  EXPECT_FALSE(place->Fsync({}, nullptr).ok());
  base_->fails = false;
  EXPECT_TRUE(reaches(*place));
}

TEST_F(QuietFilesTest, WhatIsMadeDuringASyncIsNotSyncedByIt) {
  const auto place = directory(temp_.path().string());
  base_->meanwhile = [this] { check(make("late").ok(), "a test's file"); };
  EXPECT_TRUE(reaches(*place));
  EXPECT_TRUE(reaches(*place));
  EXPECT_FALSE(reaches(*place));
}

/// A file that could not be made whole may have its name all the same.
TEST_F(QuietFilesTest, AFailureCounts) {
  const auto place = directory(temp_.path().string());
  EXPECT_TRUE(reaches(*place));
  EXPECT_FALSE(files_.RenameFile(file("absent"), file("b"), {}, nullptr).ok());
  EXPECT_TRUE(reaches(*place));
}

TEST_F(QuietFilesTest, NoOptions) {
  EXPECT_TRUE(make("OPTIONS-000007").IsNotSupported());
  EXPECT_FALSE(std::filesystem::exists(file("OPTIONS-000007")));
}

}  // namespace
}  // namespace bmsg::storage
