// Signals as things to wait for.

#pragma once

#include <csignal>
#include <initializer_list>

namespace bmsg::cli {

/// Blocks signals for this thread and those it starts, so that one place waits for them.
class BlockedSignals {
 public:
  BlockedSignals(std::initializer_list<int> signals) {
    ::sigemptyset(&set_);
    for (const int signal : signals) ::sigaddset(&set_, signal);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }

  /// The next one that comes.
  int wait() const {
    int signal = 0;
    while (::sigwait(&set_, &signal) != 0) {
    }
    return signal;
  }

 private:
  sigset_t set_{};
};

}  // namespace bmsg::cli
