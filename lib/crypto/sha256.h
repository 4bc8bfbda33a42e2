// SHA-256, for the one text format of others that wants it: signed notes.

#pragma once

#include <array>

#include "lib/core/bytes.h"

namespace bmsg::crypto {

/// Source: FIPS 180-4.
std::array<std::uint8_t, 32> sha256(ByteView bytes);

}  // namespace bmsg::crypto
