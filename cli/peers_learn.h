// bmsg peers learn: records of peers that some program has found, from standard input.

#pragma once

#include "cli/command.h"

namespace bmsg::cli {

/// A line that is no record, or is of another chain, is passed over.
/// Errors: Errc::bad_input for more than can be meant.
Result<ExitCode> learn_peers(Context& context);

}  // namespace bmsg::cli
