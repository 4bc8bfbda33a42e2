// Something slow that another thread makes while this one does something else.

#pragma once

#include <csignal>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "lib/core/result.h"
#include "lib/core/thread.h"

namespace bmsg::cli {

/// Keeps signals from this thread, and for ever from those that it starts meanwhile: ^C is for the
/// one that waits for a person.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t all;
    ::sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) ::sigdelset(&all, fault);
    ::pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;
  ~SignalsHeld() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

/// A result that is begun at once and taken later. Without a thread it is made when it is taken.
/// Threads: one. What `make` uses must live as long, and must not be changed meanwhile.
template <class T>
class Meanwhile {
 public:
  explicit Meanwhile(std::function<Result<T>()> make) : make_(std::move(make)) {
    const SignalsHeld held;
    (void)start_thread(threads_, [this](const std::stop_token&) { made_.emplace(make_()); });
  }
  Meanwhile(const Meanwhile&) = delete;
  Meanwhile& operator=(const Meanwhile&) = delete;

  /// Waits for it. Once.
  Result<T> take() {
    threads_.clear();  // Joins.
    return made_ ? std::move(*made_) : make_();
  }

 private:
  std::function<Result<T>()> make_;
  std::optional<Result<T>> made_;
  std::vector<std::jthread> threads_;  // Last: it uses the others.
};

}  // namespace bmsg::cli
