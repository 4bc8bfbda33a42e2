// check(): an invariant of our own code, tested in every build.

#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace bmsg {

/// Ends the program if `condition` is false: a bug, never bad input. Says what is broken and where.
inline void check(bool condition, const char* what,
                  std::source_location where = std::source_location::current()) {
  if (condition) return;
  std::fprintf(stderr, "bmsg: bug: %s (%s:%u)\n", what, where.file_name(), where.line());
  std::abort();
}

}  // namespace bmsg
