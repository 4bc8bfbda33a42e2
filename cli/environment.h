// Variables of the environment as text.

#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace bmsg::cli {

/// The value of a variable; empty if it is unset.
inline std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

/// The directory that a variable names; empty if it is unset, or names it from where one stands:
/// whoever owns that place would choose our settings.
/// Source: XDG Base Directory Specification, "Basics".
inline std::filesystem::path directory_from_environment(const char* name) {
  const std::filesystem::path named = from_environment(name);
  return named.is_absolute() ? named : std::filesystem::path();
}

}  // namespace bmsg::cli
