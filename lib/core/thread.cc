#include "lib/core/thread.h"

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

}  // namespace bmsg
