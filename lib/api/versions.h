// Versions of what the program is built from.

#pragma once

#include <string>
#include <utility>
#include <vector>

namespace bmsg::api {

/// Name and version of each library that is known at build time.
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace bmsg::api
