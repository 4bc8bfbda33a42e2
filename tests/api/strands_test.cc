#include "lib/api/strands.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <limits>
#include <string>

namespace bmsg::api {
namespace {

TEST(Strands, DoTheWorkOfEachInOrder) {
  std::map<StrandId, std::vector<int>> done;
  std::mutex mutex;
  std::latch all(3 * 200);
  Strands strands({.quick_threads = 3, .slow_threads = 3});
  for (int i = 0; i < 200; ++i) {
    for (const StrandId id : {1u, 2u, 3u}) {
      const Pace pace = (i + static_cast<int>(id)) % 3 == 0 ? Pace::slow : Pace::quick;
      EXPECT_TRUE(strands.post(id, pace, 1, [&, id, i] {
        const std::lock_guard lock(mutex);
        done[id].push_back(i);
        all.count_down();
      }));
    }
  }
  all.wait();
  std::vector<int> wanted(200);
  for (int i = 0; i < 200; ++i) wanted[static_cast<std::size_t>(i)] = i;
  for (const StrandId id : {1u, 2u, 3u}) EXPECT_EQ(done[id], wanted);
}

TEST(Strands, LetNoQuickWorkOfOthersWaitForSlowWork) {
  std::promise<void> go;
  std::shared_future<void> going(go.get_future());
  std::promise<void> quick;
  std::atomic<bool> own_was_early = false;
  std::atomic<bool> ended = false;
  Strands strands({.quick_threads = 1, .slow_threads = 1});
  strands.post(1, Pace::slow, 0, [&] {
    going.wait();
    ended = true;
  });
  strands.post(1, Pace::quick, 0, [&] { own_was_early = !ended; });
  strands.post(2, Pace::quick, 0, [&] { quick.set_value(); });
  quick.get_future().wait();
  EXPECT_FALSE(ended);
  std::promise<void> last;
  go.set_value();
  strands.post(1, Pace::quick, 0, [&] { last.set_value(); });
  last.get_future().wait();
  EXPECT_FALSE(own_was_early);
}

TEST(Strands, LetNoSlowWorkOfOthersWaitForASearch) {
  constexpr unsigned kSearches = 2;
  std::promise<void> go;
  std::shared_future<void> going(go.get_future());
  std::latch begun(kSearches);
  std::promise<void> slow;
  std::atomic<bool> third = false;
  Strands strands({.quick_threads = 1, .slow_threads = 1, .search_threads = kSearches});
  for (StrandId id = 1; id <= kSearches; ++id) {
    strands.post(id, Pace::search, 0, [&] {
      begun.count_down();
      going.wait();
    });
  }
  begun.wait();
  strands.post(8, Pace::search, 0, [&] { third = true; });
  strands.post(9, Pace::slow, 0, [&] { slow.set_value(); });
  slow.get_future().wait();
  EXPECT_FALSE(third) << "no more searches at once than threads for them";
  strands.drop(8);
  go.set_value();
  strands.stop();
  EXPECT_FALSE(third);
}

TEST(Strands, DoNoTwoWorksOfOneAtOnce) {
  std::promise<void> begun;
  std::promise<void> go;
  std::promise<void> other;
  std::promise<void> last;
  std::atomic<bool> ended = false;
  std::atomic<bool> was_early = false;
  Strands strands({.quick_threads = 2, .slow_threads = 1});
  strands.post(1, Pace::quick, 0, [&] {
    begun.set_value();
    go.get_future().wait();
    ended = true;
  });
  begun.get_future().wait();
  strands.post(1, Pace::quick, 0, [&] {
    was_early = !ended;
    last.set_value();
  });
  // The second thread is free, and would have come to the one before first.
  strands.post(2, Pace::quick, 0, [&] { other.set_value(); });
  other.get_future().wait();
  go.set_value();
  last.get_future().wait();
  EXPECT_FALSE(was_early);
}

/// Strands whose only thread waits.
struct Busy {
  explicit Busy(StrandLimits limits) : strands(limits) {
    std::promise<void> begun;
    EXPECT_TRUE(strands.post(0, Pace::quick, 0, [this, &begun] {
      begun.set_value();
      go.get_future().wait();
    }));
    begun.get_future().wait();
  }
  bool post(StrandId id, std::size_t bytes = 0) {
    return strands.post(id, Pace::quick, bytes, [this] { ++done; });
  }
  std::promise<void> go;
  std::atomic<int> done = 0;
  Strands strands;
};

TEST(Strands, TakeSoMuchAndNoMore) {
  Busy busy({.quick_threads = 1,
             .slow_threads = 1,
             .waiting_each = 2,
             .waiting_all = 4,
             .bytes_all = 10});
  EXPECT_TRUE(busy.post(1, 4));
  EXPECT_FALSE(busy.post(1, 7));
  EXPECT_TRUE(busy.post(1, 6));
  EXPECT_FALSE(busy.post(2, 1)) << "bytes";
  EXPECT_FALSE(busy.post(1)) << "of one";
  busy.strands.drop(1);
  EXPECT_TRUE(busy.post(1, 10));
  EXPECT_TRUE(busy.post(2));
  EXPECT_TRUE(busy.post(3));
  EXPECT_FALSE(busy.post(4)) << "of all";
  busy.go.set_value();
  while (busy.done < 3) std::this_thread::yield();
  EXPECT_TRUE(busy.post(4, 10)) << "what is done counts no more";
}

TEST(Strands, DropWhatWaitsAtTheEnd) {
  // Without limits it refuses work only because it ends.
  constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  auto busy = std::make_unique<Busy>(StrandLimits{
      .quick_threads = 1, .slow_threads = 1, .waiting_each = kNone, .waiting_all = kNone});
  auto held = std::make_shared<int>(1);
  busy->strands.post(5, Pace::quick, 0, [held] { ADD_FAILURE(); });
  std::thread end([&] { busy->strands.stop(); });
  while (busy->post(6)) std::this_thread::yield();
  busy->go.set_value();
  end.join();
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace bmsg::api
