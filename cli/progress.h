// Progress of long work: one line on a terminal, nothing elsewhere.

#pragma once

#include <string>

#include "cli/command.h"

namespace bmsg::cli {

/// Replaces the line on standard error, if that is a terminal and nobody asked for quiet.
void show_line(Context& context, const std::string& text);
/// Removes it.
void clear_line(Context& context);

}  // namespace bmsg::cli
