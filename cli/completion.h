// What may stand at the end of a command line. Behind `bmsg __complete`.

#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace bmsg::cli {

/// Words that may take the place of the last of `words` (what was typed after "bmsg"), one to a
/// line, a TAB and an explanation behind some. The lines ":files" and ":directories" ask the shell
/// for names of its own. Never fails and changes nothing: who types must not be disturbed.
/// Shape: each word is printable text that needs no more than the shell's own quoting.
std::vector<std::string> completions(const CLI::App& app, Context& context,
                                     const std::vector<std::string>& words);

}  // namespace bmsg::cli
