// A command of bmsg run within another one, with its words and as with --json.

#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace CLI {
class App;
}

namespace bmsg::cli {

/// What to run. Words that strangers may have written stand behind "--".
struct InnerCommand {
  std::vector<std::string> words = {};
  InnerParts parts = {};
};

/// How it ended where it could be run at all.
struct InnerEnd {
  ExitCode code = ExitCode::ok;
  std::string results;             // What it printed.
  std::vector<std::string> notes;  // Remarks and warnings, one line each.
};

/// Runs it in this thread with a context of its own, like `outer` and with the same open keys. Asks
/// nobody anything.
/// Errors: those of the command; Errc::bad_usage for words that it does not take.
Result<InnerEnd> run_inner(const Context& outer, InnerCommand command);

/// Has the parser run what the words say. In main.cc, which catches what the parser throws.
/// Errors: Errc::bad_usage.
Result<Done> parse_inner(CLI::App& app, const std::vector<std::string>& words);

/// What it printed, and an object `remark` for each of its notes.
std::string lines_of(const InnerEnd& end);

}  // namespace bmsg::cli
