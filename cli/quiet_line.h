// A line that somebody types and nobody else sees.

#pragma once

#include <string>

#include "lib/core/result.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::cli {

inline constexpr std::size_t kPassphraseBytesMax = 65536;

/// Asks at the terminal, without showing what is typed. Whatever signal stops or ends the process,
/// the terminal is as it was before; continued, it asks again from the start.
/// Threads: only while no other runs, since another could get the signal.
/// Errors: Errc::denied if there is no terminal, or at its end.
Result<crypto::SecretBytes> read_quietly(const std::string& prompt);

}  // namespace bmsg::cli
