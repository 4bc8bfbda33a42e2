// Databases that nobody can use any more: kept under another name, beside the one that takes their
// place.

#pragma once

#include <filesystem>

#include "cli/command.h"

namespace bmsg::cli {

/// NAME.damaged-DATE, or what is free: what was put aside before stays.
std::filesystem::path free_name_aside(const Context& context,
                                      const std::filesystem::path& database);

/// Moves a database to such a name, and says where it is. `what` names
/// it in that line. One that is not there is left. Errors: Errc::io.
Result<Done> put_aside(Context& context, const std::filesystem::path& database,
                       std::string_view what);

}  // namespace bmsg::cli
