// The one place for OpenDHT, whose calls come back on threads of its own and which throws.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/core/bytes.h"
#include "lib/core/ids.h"
#include "lib/core/result.h"

namespace bmsg::discover {

inline constexpr std::size_t kValuesMax = 20'000;  // Looked at in one get().

/// This machine's node of the table.
/// Threads: one.
class Dht {
 public:
  struct Options {
    std::uint16_t port = 0;              // UDP; 0: any that is free.
    std::vector<std::string> bootstrap;  // HOST:PORT; none: it waits for others to come.
  };

  /// Errors: Errc::unreachable if the port is taken.
  static Result<std::unique_ptr<Dht>> open(const Options& options);
  ~Dht();

  /// Waits until another node has answered; whether one did in that time.
  bool connect(std::chrono::seconds longest);

  /// Puts a value beside those that are there; it lives for ten minutes.
  /// Errors: Errc::unreachable if no node has taken it in that time.
  Result<Done> put(const Digest& key, ByteView value, std::chrono::seconds longest);

  /// Hands over each value that is found, on this thread.
  /// Errors: Errc::unreachable if no node has answered in that time.
  Result<Done> get(const Digest& key, const std::function<void(ByteView)>& take,
                   std::chrono::seconds longest);

 private:
  class Impl;
  explicit Dht(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace bmsg::discover
