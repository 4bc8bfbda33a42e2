// Threads that are welcome and not needed.

#pragma once

#include <functional>
#include <stop_token>
#include <thread>
#include <vector>

namespace bmsg {

/// Starts one more thread, which joins with the vector. False: the system has none left, and the
/// caller has to do the work alone.
bool start_thread(std::vector<std::jthread>& threads, std::function<void(std::stop_token)> work);

}  // namespace bmsg
