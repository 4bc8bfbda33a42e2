// ExitCode: what a script learns from a command. sysexits(3), which were made for mail programs.

#pragma once

namespace bmsg::cli {

/// The table of bmsg(1), "Exit status". Codes not listed mean failure.
enum class ExitCode {
  ok = 0,
  no = 1,       // The answer is no, or empty.
  partial = 3,  // Finished, but some of it failed.
  usage = 64,
  data = 65,  // Integrity: broken chain, damaged store, malformed or foreign file.
  no_input = 66,
  no_user = 67,
  no_host = 68,
  unavailable = 69,
  software = 70,
  os_error = 71,
  cannot_create = 73,
  io = 74,
  try_again = 75,
  protocol = 76,
  no_permission = 77,
  config = 78,
};

}  // namespace bmsg::cli
