// The parts of a path that peers ask for.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "lib/core/ids.h"

namespace bmsg::api {

/// Takes the part of a path before the next '/'.
std::string_view next_part(std::string_view& path);

/// A decimal number as it is printed: no sign, no leading zero, no more than 32 bits.
std::optional<std::uint32_t> parse_number(std::string_view text);

struct HeightRange {
  Height from;
  std::uint32_t count = 0;
};

/// "FROM/N" with 1 ≤ N ≤ max, and nothing after it.
std::optional<HeightRange> parse_range(std::string_view path, std::uint32_t max);

}  // namespace bmsg::api
