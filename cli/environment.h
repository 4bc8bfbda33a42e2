// Variables of the environment as text.

#pragma once

#include <cstdlib>
#include <string>

namespace bmsg::cli {

/// The value of a variable; empty if it is unset.
inline std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace bmsg::cli
