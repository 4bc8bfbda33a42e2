#include "lib/core/thread.h"

#include <gtest/gtest.h>

#include <atomic>

#include "tests/support/no_threads.h"

namespace bmsg {
namespace {

TEST(Thread, RunsAndIsJoinedWithTheOthers) {
  std::atomic<int> runs = 0;
  std::vector<std::jthread> threads;
  EXPECT_TRUE(start_thread(threads, [&](const std::stop_token&) { ++runs; }));
  EXPECT_TRUE(start_thread(threads, [&](const std::stop_token& stop) {
    while (!stop.stop_requested()) std::this_thread::yield();
    ++runs;
  }));
  threads.clear();
  EXPECT_EQ(runs, 2);
}

TEST(Thread, ThatTheSystemRefusesIsNoneAndHarmsNothing) {
  int runs = 0;
  std::vector<std::jthread> threads;
  {
    const NoThreads full;
    EXPECT_FALSE(start_thread(threads, [&](const std::stop_token&) { ++runs; }));
  }
  EXPECT_TRUE(threads.empty());
  EXPECT_EQ(runs, 0);
  EXPECT_TRUE(start_thread(threads, [&](const std::stop_token&) { ++runs; }));
  threads.clear();
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace bmsg
