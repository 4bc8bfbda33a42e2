// Writing a text in the user's editor.

#pragma once

#include <string>

#include "cli/command.h"

namespace bmsg::cli {

/// Opens BMSG_EDITOR, core.editor, VISUAL or EDITOR on `text` and returns what was saved.
/// Errors: Errc::bad_usage if there is no editor or it failed.
Result<std::string> edit_whole(const Context& context, const std::string& text);

/// The same without lines that begin with #, and without line ends behind the last line.
Result<std::string> edit_text(const Context& context, const std::string& text);

}  // namespace bmsg::cli
