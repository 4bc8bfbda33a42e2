// Log: one line for one event. The library never prints; whoever runs it decides where lines go.

#pragma once

#include <string_view>

namespace bmsg {

enum class LogLevel { error, warning, info, debug };

/// Where lines go. A line holds no secret, no decrypted text and no body.
/// Threads: any.
class Log {
 public:
  virtual ~Log() = default;
  virtual void write(LogLevel level, std::string_view line) = 0;
};

/// Drops everything.
class NullLog final : public Log {
 public:
  void write(LogLevel, std::string_view) override {}
};

}  // namespace bmsg
