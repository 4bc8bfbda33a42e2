// FewDescriptors: a process that is given few descriptors, or none.

#pragma once

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <vector>

namespace bmsg {

/// While it lives the process gets so many descriptors and no more.
class FewDescriptors {
 public:
  explicit FewDescriptors(int left) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    for (int i = 0; i < left; ++i) kept_.push_back(take());
    const int next = take();
    ::close(next);
    const rlimit few{static_cast<rlim_t>(next), before_.rlim_max};
    for (const int number : kept_) ::close(number);
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  static int take() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

  rlimit before_{};
  std::vector<int> kept_;
};

}  // namespace bmsg
