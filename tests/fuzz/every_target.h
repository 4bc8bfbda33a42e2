#pragma once

#include <vector>

#include "tests/fuzz/target.h"

namespace bmsg::fuzz {

/// Of all floors, in their order.
std::vector<Target> every_target();

}  // namespace bmsg::fuzz
