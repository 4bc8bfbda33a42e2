// A second copy of a database, made beside its writer.

#pragma once

#include <filesystem>

#include "lib/core/disk.h"
#include "lib/core/result.h"

namespace bmsg::storage {

/// Copies the database in `from` to the new directory `to`: as it was at one moment after the call,
/// with all that was acknowledged before it. Tables never change, so they become second names of
/// the same files where the file system has such. Nothing in `from` is changed and no lock taken.
/// There is no database: `to` is made and stays empty.
/// Errors: Errc::try_again if a writer moves files at every try; as Disk.
Result<Done> copy_database(Disk& disk, const std::filesystem::path& from,
                           const std::filesystem::path& to);

}  // namespace bmsg::storage
