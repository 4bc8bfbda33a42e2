// Names of files that strangers gave.

#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace bmsg::cli {

/// A name for a file in one directory, from what somebody calls it: its last part, without what
/// could act on a terminal, a shell or another system, at most 200 bytes, never empty, never
/// hidden.
std::string safe_name(std::string_view given);

/// "report-2.pdf" for the second of "report.pdf".
std::string numbered_name(const std::string& name, unsigned number);

}  // namespace bmsg::cli
