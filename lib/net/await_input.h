// Waiting for several descriptors at once.

#pragma once

#include <chrono>
#include <csignal>
#include <optional>
#include <span>

namespace bmsg::net {

/// Returns when one of the descriptors has something to read or is closed at the other end, when
/// the time is over, or when a signal was caught; which of them, reading tells. A negative
/// descriptor is passed over. nullopt waits without limit. `open` is the signal mask meanwhile.
/// Threads: any.
void await_input(std::span<const int> descriptors,
                 std::optional<std::chrono::milliseconds> longest = std::nullopt,
                 const sigset_t* open = nullptr);

}  // namespace bmsg::net
