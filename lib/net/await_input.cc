#include "lib/net/await_input.h"

#include <poll.h>

#include <vector>

namespace bmsg::net {

void await_input(std::span<const int> descriptors, std::optional<std::chrono::milliseconds> longest,
                 const sigset_t* open) {
  std::vector<pollfd> watched;
  for (const int one : descriptors) watched.push_back({.fd = one, .events = POLLIN, .revents = 0});
  timespec limit{};
  if (longest) {
    const auto whole = std::chrono::floor<std::chrono::seconds>(*longest);
    limit.tv_sec = whole.count();
    limit.tv_nsec = std::chrono::nanoseconds(*longest - whole).count();
  }
  (void)::ppoll(watched.data(), watched.size(), longest ? &limit : nullptr, open);
}

}  // namespace bmsg::net
