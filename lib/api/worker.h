// Worker: one thread that does one thing after the other.

#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace bmsg::api {

/// Threads: any.
class Worker {
 public:
  explicit Worker(std::size_t waiting_max)
      : waiting_max_(waiting_max), thread_([this] { run(); }) {}
  /// Does what was posted, then joins.
  ~Worker() { stop(); }

  /// False: too much waits already, or it has stopped; `work` was not taken.
  bool post(std::function<void()> work);
  /// The same for what must not be left out, however much waits before it.
  void post_always(std::function<void()> work);
  void stop();

 private:
  void run();

  std::size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable woken_;
  std::deque<std::function<void()>> waiting_;
  bool stopping_ = false;
  std::thread thread_;  // Last: it uses the others.
};

}  // namespace bmsg::api
