// Databases that nobody can use any more: kept under another name, beside the one that takes their
// place.

#pragma once

#include <filesystem>

#include "cli/command.h"

namespace bmsg::cli {

/// Moves a database to a name that is free, NAME.damaged-DATE, and says where it is. `what` names
/// it in that line. One that is not there is left. Errors: Errc::io.
Result<Done> put_aside(Context& context, const std::filesystem::path& database,
                       std::string_view what);

}  // namespace bmsg::cli
