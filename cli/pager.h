// Pager: another program that shows long output page by page.

#pragma once

#include <sys/types.h>

#include <array>
#include <csignal>
#include <memory>
#include <string>

#include "lib/core/descriptor.h"

namespace bmsg::cli {

/// A running pager, whose input takes the place of standard output.
/// Threads: one.
class Pager {
 public:
  /// Runs `program`, words that a shell splits, as git does. Null if it cannot be started: then
  /// output goes to the terminal as it would without.
  static std::unique_ptr<Pager> start(const std::string& program);
  /// Waits until the person has seen enough.
  ~Pager();

  int input() const { return input_.number(); }

 private:
  Pager(pid_t process, Descriptor input) : process_(process), input_(std::move(input)) {}

  // What a key at the terminal means is the pager's matter until it is left.
  static constexpr std::array<int, 3> kIgnored = {SIGINT, SIGQUIT, SIGPIPE};

  pid_t process_;
  Descriptor input_;
  std::array<void (*)(int), kIgnored.size()> before_{};
};

}  // namespace bmsg::cli
