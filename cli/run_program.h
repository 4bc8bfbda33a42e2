// Another program, run to its end: no shell, its words as they are given.

#pragma once

#include <optional>
#include <string>
#include <vector>

namespace bmsg::cli {

struct ProgramResult {
  int status = 0;      // Its exit code; 127 if it could not be started.
  std::string output;  // What it wrote to standard output.
};

/// Runs `words` with `input` on its standard input; what it complains of is not shown.
ProgramResult run_program(const std::vector<std::string>& words, const std::string& input);

}  // namespace bmsg::cli
