#include "lib/core/thread.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <utility>

namespace bmsg {

bool start_thread(std::vector<std::jthread>& threads, std::function<void(std::stop_token)> work) {
  try {
    threads.emplace_back(std::move(work));
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

bool start_detached(std::function<void()> work) {
  try {
    std::thread(std::move(work)).detach();
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

void share_out(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& work) {
  std::atomic<std::size_t> next = 0;
  const auto take = [&](const std::stop_token&) {
    for (std::size_t at = next++; at < count; at = next++) work(at);
  };
  std::vector<std::jthread> others;
  for (unsigned i = 1; i < std::min<std::size_t>(threads, count); ++i) {
    if (!start_thread(others, take)) break;
  }
  take({});
}

unsigned cores() {
  static const unsigned count = std::max(1U, std::thread::hardware_concurrency());
  return count;
}

}  // namespace bmsg
