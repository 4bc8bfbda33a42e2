// Many messages of one command, given as lines.

#pragma once

#include "cli/send_options.h"

namespace bmsg::cli {

/// One answer for each line, in order; a bad one does not stop the rest. Lines that are here
/// already are made durable together, and answered then.
Result<ExitCode> send_lines(int descriptor, const SendOptions& options, const StoreDir& store,
                            Context& context);

}  // namespace bmsg::cli
