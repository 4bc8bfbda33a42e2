// A file that is written beside the one whose place it is to take.

#pragma once

#include <filesystem>
#include <string>

#include "lib/core/descriptor.h"

namespace bmsg {

/// Makes one, 0600, and says its name: `.NAME.bmsgXXXXXX`, which nobody can foresee, since others
/// may write in that directory too. Its lock is held while it is open, so that one whose lock is
/// free was left by a process that was killed: those of the same NAME go first, as they may hold
/// keys that were deleted since. In a directory of more than 256 names they may stay.
///
/// Threads: any.
/// Errors:  none is open, and `errno` says why.
Descriptor unplaced_file(const std::filesystem::path& file, std::string& name);

}  // namespace bmsg
