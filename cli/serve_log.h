// ServeLog: one line for one event on standard error.

#pragma once

#include <unistd.h>

#include <mutex>
#include <string>

#include "cli/environment.h"
#include "cli/output.h"
#include "cli/text.h"
#include "lib/core/log.h"

namespace bmsg::cli {

/// Warnings always but for --quiet, the rest with -v or under a journal, which reads "<N>".
/// Threads: any.
class ServeLog final : public Log {
 public:
  explicit ServeLog(Noise noise)
      : noise_(noise), journal_(!from_environment("JOURNAL_STREAM").empty()) {}

  void write(LogLevel level, std::string_view line) override {
    const bool grave = level == LogLevel::error || level == LogLevel::warning;
    const bool wanted = (grave && noise_ != Noise::quiet) || noise_ == Noise::verbose ||
                        (journal_ && level == LogLevel::info);
    if (!wanted) return;
    const char* prefix = !journal_ ? "bmsg: " : grave ? "<4>" : "<6>";
    const std::string text = prefix + shown_line(line) + "\n";
    const std::lock_guard lock(mutex_);
    (void)!::write(STDERR_FILENO, text.data(), text.size());  // Nobody is left to tell.
  }

 private:
  Noise noise_;
  bool journal_;
  std::mutex mutex_;
};

}  // namespace bmsg::cli
