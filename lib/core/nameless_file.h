// A file that nobody else can open: it has no name, and its room comes back when it is closed.

#pragma once

#include <cstdint>
#include <filesystem>

#include "lib/core/bytes.h"
#include "lib/core/descriptor.h"
#include "lib/core/result.h"

namespace bmsg {

/// Makes one on the file system of `directory`. Errors: Errc::io.
Result<Descriptor> nameless_file(const std::filesystem::path& directory);

/// Writes all of `bytes` from the byte `at` on. Errors: Errc::io.
Result<Done> write_at(const Descriptor& file, ByteView bytes, std::uint64_t at);

}  // namespace bmsg
