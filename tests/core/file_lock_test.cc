// Locks: one holder, named; free again as soon as it ends, however it ends.

#include "lib/core/file_lock.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/fake_clock.h"
#include "tests/support/few_descriptors.h"
#include "tests/support/temp_dir.h"

namespace bmsg {
namespace {

constexpr std::chrono::milliseconds kNone{0};

class FileLockTest : public testing::Test {
 protected:
  bool is_free() const { return FileLock::try_take(file_, "probe").value().has_value(); }
  void write(std::string_view text) const { std::ofstream(file_) << text; }

  TempDir dir_;
  std::filesystem::path file_ = dir_.path() / "chain.lock";
  SystemClock clock_;
};

TEST_F(FileLockTest, HasOneHolderAtATime) {
  auto held = FileLock::take(file_, "serve", kNone, clock_);
  ASSERT_TRUE(held) << held.error().message;
  EXPECT_FALSE(is_free());
  const auto second = FileLock::take(file_, "mine", kNone, clock_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::locked);
}

TEST_F(FileLockTest, LosesPatienceThoughTheClockStandsStill) {
  const FakeClock still;
  const auto held = FileLock::take(file_, "serve", kNone, clock_);
  ASSERT_TRUE(held);
  const auto second = FileLock::take(file_, "mine", std::chrono::milliseconds(30), still);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::locked);
}

TEST_F(FileLockTest, IsFreeAgainWhenTheHolderLetsGo) {
  {
    const auto held = FileLock::take(file_, "serve", kNone, clock_);
    ASSERT_TRUE(held);
    EXPECT_FALSE(is_free());
  }
  EXPECT_TRUE(is_free());
  EXPECT_TRUE(std::filesystem::exists(file_));
}

TEST_F(FileLockTest, TellsItsHolderThatAnotherTried) {
  const auto held = FileLock::take(file_, "sync", kNone, clock_);
  ASSERT_TRUE(held);
  EXPECT_FALSE(held.value().is_wanted());
  EXPECT_EQ(FileLock::holder(file_).find("process"), 0);
  EXPECT_FALSE(held.value().is_wanted()) << "who only asks for the name wants nothing";
  // What the clock of the file system does not tell apart counts for the same moment.
  const auto deadline = clock_.steady() + std::chrono::seconds(5);
  while (!held.value().is_wanted() && clock_.steady() < deadline) EXPECT_FALSE(is_free());
  EXPECT_TRUE(held.value().is_wanted());
}

TEST_F(FileLockTest, IsWantedByNobodyWhenItIsTakenAgain) {
  {
    const auto held = FileLock::take(file_, "sync", kNone, clock_);
    ASSERT_TRUE(held);
    EXPECT_FALSE(is_free());
  }
  const auto again = FileLock::take(file_, "sync", kNone, clock_);
  ASSERT_TRUE(again);
  EXPECT_FALSE(again.value().is_wanted());
}

TEST_F(FileLockTest, GoesWithTheValueThatMoves) {
  auto first = FileLock::take(file_, "serve", kNone, clock_);
  ASSERT_TRUE(first);
  {
    const FileLock second = std::move(first).value();
    EXPECT_FALSE(is_free());
  }
  EXPECT_TRUE(is_free());
}

TEST_F(FileLockTest, NamesItsHolder) {
  const auto held = FileLock::take(file_, "serve", kNone, clock_);
  const std::string name = "process " + std::to_string(::getpid()) + " (serve)";
  EXPECT_EQ(FileLock::holder(file_), name);
  const auto second = FileLock::take(file_, "mine", kNone, clock_);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find(name), std::string::npos) << second.error().message;
}

TEST_F(FileLockTest, NamesItsHolderAfterOneWithALongerName) {
  const std::string pid = std::to_string(::getpid());
  for (const std::string command : {"s", "a command of many words", "serve", ""}) {
    const auto held = FileLock::take(file_, command, kNone, clock_);
    std::ifstream in(file_);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    EXPECT_EQ(text, pid + " " + command + "\n");
  }
}

TEST_F(FileLockTest, RepeatsNothingStrangeAboutTheHolder) {
  EXPECT_EQ(FileLock::holder(file_), "another process");
  write("");
  EXPECT_EQ(FileLock::holder(file_), "another process");
  write("nonsense\n");
  EXPECT_EQ(FileLock::holder(file_), "another process");
  write("-7 serve\n");
  EXPECT_EQ(FileLock::holder(file_), "another process");
  write("7\n");
  EXPECT_EQ(FileLock::holder(file_), "process 7");
  write("7 \x1b[31mred\n");
  EXPECT_EQ(FileLock::holder(file_), "process 7");
}

TEST_F(FileLockTest, WaitsForAHolderThatEndsByAnyMeans) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto held = FileLock::take(file_, "child", kNone, clock_);
    const char byte = held ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
    ::pause();
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  EXPECT_FALSE(is_free());
  ::kill(child, SIGKILL);
  EXPECT_TRUE(FileLock::take(file_, "parent", std::chrono::seconds(30), clock_));
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_F(FileLockTest, FollowsNoLink) {
  std::filesystem::create_symlink(dir_.path() / "elsewhere", file_);
  EXPECT_FALSE(FileLock::try_take(file_, "serve"));
}

TEST_F(FileLockTest, SaysWhyThereIsNoLock) {
  const auto held = FileLock::try_take(dir_.path() / "none" / "lock", "serve");
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, Errc::io);
  EXPECT_NE(held.error().message.find("No such file"), std::string::npos);
}

#ifndef __SANITIZE_ADDRESS__  // UBSan wants descriptors of its own.
TEST_F(FileLockTest, SaysThatThereAreNoDescriptors) {
  {
    const FewDescriptors none(0);
    const auto held = FileLock::try_take(file_, "serve");
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().code, Errc::no_resource);
  }
  EXPECT_TRUE(FileLock::try_take(file_, "serve"));
}
#endif

}  // namespace
}  // namespace bmsg
