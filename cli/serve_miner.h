// serve --mine: blocks for what waits, on threads of the lowest priority.

#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "cli/command.h"
#include "cli/mining.h"

namespace bmsg::cli {

/// Mines while it lives, by way of the node's own socket as another command would.
/// Threads: made and ended by one; works on its own.
class ServeMiner {
 public:
  /// All that is passed must outlive it. Errors: Errc::bad_config for wrong settings.
  static Result<std::unique_ptr<ServeMiner>> start(const Context& context, const StoreDir& store,
                                                   Log& log);

 private:
  ServeMiner(const Context& context, StoreDir store, Log& log, MineOne wish);

  void work(std::stop_token stop);
  /// True if there may be more to do at once.
  bool mine(std::stop_token stop);

  Context context_;  // Its own: a context is for one thread.
  StoreDir store_;
  Log& log_;
  MineOne wish_;
  std::mutex mutex_;
  std::condition_variable_any pause_;
  std::jthread thread_;  // The last: it uses all of the above.
};

}  // namespace bmsg::cli
