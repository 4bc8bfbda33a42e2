#include "lib/core/thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

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

TEST(Thread, GoesItsOwnWayWhereThereIsOne) {
  const auto done = std::make_shared<std::promise<void>>();
  {
    const NoThreads full;
    EXPECT_FALSE(start_detached([done] { done->set_value(); }));
  }
  EXPECT_TRUE(start_detached([done] { done->set_value(); }));
  done->get_future().wait();
}

TEST(ShareOut, DoesEachOnceOnNoMoreThreadsThanItWasGiven) {
  for (const std::size_t count : {0, 1, 2, 3, 4, 100}) {
    for (const unsigned threads : {0U, 1U, 2U, 3U}) {
      std::vector<std::atomic<int>> runs(count);
      std::mutex mutex;
      std::set<std::thread::id> seen;
      share_out(count, threads, [&](std::size_t at) {
        ++runs[at];
        const std::lock_guard lock(mutex);
        seen.insert(std::this_thread::get_id());
      });
      for (const auto& one : runs) EXPECT_EQ(one, 1);
      EXPECT_LE(seen.size(), std::max(threads, 1U));
    }
  }
}

TEST(ShareOut, RunsOnSeveralThreadsAtOnce) {
  // Either of the two ends once the other has begun.
  std::atomic<int> begun = 0;
  share_out(2, 2, [&](std::size_t) {
    ++begun;
    while (begun < 2) std::this_thread::yield();
  });
  EXPECT_EQ(begun, 2);
}

TEST(ShareOut, NeedsNoThreadBesideItsOwn) {
  const NoThreads full;
  std::set<std::thread::id> seen;
  std::size_t runs = 0;
  share_out(10, 4, [&](std::size_t) {
    ++runs;
    seen.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(runs, 10U);
  EXPECT_EQ(seen, std::set{std::this_thread::get_id()});
}

}  // namespace
}  // namespace bmsg
