// The number of a database's format, and the refusal of those that this program does not know.

#pragma once

#include "lib/core/result.h"
#include "storage/database.h"

namespace bmsg::storage {

/// nullopt in a database that nothing was written to yet.
/// Errors: Errc::corrupt; Errc::bad_config if the format is none from `lowest` to `highest`:
/// nothing
///         must be touched.
struct KnownFormats {
  std::uint32_t lowest = 0;
  std::uint32_t highest = 0;
};
Result<std::optional<std::uint32_t>> read_format(const Records& records, ByteView key,
                                                 const KnownFormats& known);

void put_format(Batch& batch, ByteView key, std::uint32_t format);

}  // namespace bmsg::storage
