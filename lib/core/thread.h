// Threads that the system may refuse.

#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>
#include <thread>
#include <vector>

namespace bmsg {

/// Starts one more thread, which joins with the vector. False: the system has none left, and the
/// caller has to do the work alone.
bool start_thread(std::vector<std::jthread>& threads, std::function<void(std::stop_token)> work);

/// The same with a thread that nobody joins: `work` must own all that it uses.
bool start_detached(std::function<void()> work);

/// Does `work` with each number below `count`, in any order, on up to so many threads, of which the
/// caller's is one. When this returns, all of it is done.
void share_out(std::size_t count, unsigned threads, const std::function<void(std::size_t)>& work);

/// Cores that this process may use, as it was when first asked.
unsigned cores();

}  // namespace bmsg
