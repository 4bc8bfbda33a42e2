// What is wrong with a command line, and commands that other programs bring.

#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/parser.h"
#include "lib/core/error.h"

namespace CLI {
class ParseError;
}

namespace bmsg::cli {

/// An option of a command or of those above it; null if there is none.
const CLI::Option* find_option(const CLI::App* command, const std::string& name);

/// The command or verb of that name right below `app`; null if there is none.
const CLI::App* find_command(const CLI::App& app, const std::string& name);

/// The same words, with an empty value as a word of its own: of "--from=" the parser would take the
/// next word for the value.
std::vector<std::string> parted(const CLI::App& app, const std::vector<std::string>& words);

/// How many of `words` are for bmsg: those behind the program that --exec names are for that.
std::size_t own_words(const CLI::App& app, const std::vector<std::string>& words);

/// Why `words` could not be parsed, with the nearest command or option that would have been right.
Error usage_error(const CLI::App& app, const CLI::ParseError& error,
                  const std::vector<std::string>& words);

/// True if the words ask for JSON, however wrong the rest of them is.
bool wants_json(const std::vector<std::string>& words);

/// A program in a directory of the PATH, of which main() has left only whole ones; empty if there
/// is none of that name.
std::string find_program(const std::string& name);

/// `bmsg foo` runs `bmsg-foo` of the PATH, if bmsg has no such command itself: replaces this
/// process. BMSG_STORE names the store there. Comes back if there is none.
void run_extension(const CLI::App& app, const Context& context,
                   const std::vector<std::string>& words);

}  // namespace bmsg::cli
