#include "lib/api/worker.h"

#include <gtest/gtest.h>

#include <future>
#include <vector>

namespace bmsg::api {
namespace {

TEST(Worker, RefusesWhatIsTooMuchAndNeverWhatMustNotBeLeftOut) {
  constexpr std::size_t kWaitingMax = 3;
  std::promise<void> begun;
  std::promise<void> go;
  std::vector<int> done;
  Worker worker(kWaitingMax);
  ASSERT_TRUE(worker.post([&] {
    begun.set_value();
    go.get_future().wait();
  }));
  begun.get_future().wait();
  for (std::size_t i = 0; i < kWaitingMax; ++i)
    EXPECT_TRUE(worker.post([&] { done.push_back(0); })) << i;
  EXPECT_FALSE(worker.post([&] { done.push_back(1); }));
  worker.post_always([&] { done.push_back(2); });
  EXPECT_FALSE(worker.post([&] { done.push_back(3); }));
  go.set_value();
  worker.stop();
  EXPECT_EQ(done, (std::vector<int>{0, 0, 0, 2})) << "in order, and all of it";
}

TEST(Worker, TakesNothingOnceItHasStopped) {
  Worker worker(1);
  worker.stop();
  bool was_done = false;
  EXPECT_FALSE(worker.post([&] { was_done = true; }));
  worker.post_always([&] { was_done = true; });
  EXPECT_FALSE(was_done);
}

}  // namespace
}  // namespace bmsg::api
