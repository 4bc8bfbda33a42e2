// Progress of long work: a line on a terminal, objects where they are asked for, and an answer to
// SIGUSR1 anywhere.

#pragma once

#include <chrono>
#include <string>

#include "cli/command.h"
#include "lib/api/json_objects.h"

namespace bmsg::cli {

/// SIGUSR1 asks how far the work is, instead of ending it. Called once, before any thread begins.
void listen_for_questions();

/// Adds --progress to a command.
void add_progress_option(Command command, Context& context);

/// Says how far some work is, first after half a second and then five times a second.
/// Threads: one.
class Progress {
 public:
  explicit Progress(Context& context);
  /// Removes the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// May be called as often as one likes. `line` is for people, `status` for programs; its elapsed
  /// time is filled in.
  void update(const std::string& line, api::StatusView status);
  /// The same for work that goes from block to block: "verify", 3 of 7.
  void count_blocks(const std::string& phase, std::uint64_t finished, std::uint64_t total);

 private:
  enum class Form { none, line, json };

  void tell(const std::string& line, const api::StatusView& status, Form form);

  Context& context_;
  Form form_ = Form::none;
  std::chrono::steady_clock::time_point began_;
  std::chrono::steady_clock::time_point next_;
  bool is_shown_ = false;
};

}  // namespace bmsg::cli
