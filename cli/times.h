// Times as people write and read them.

#pragma once

#include <string>

#include "lib/core/ids.h"
#include "lib/core/result.h"

namespace bmsg::cli {

/// "2026-11-22T14:03:00Z". Source: RFC 3339.
std::string to_rfc3339(UnixSeconds time);

/// "3 min ago", "in 2 h", for a person at a terminal.
std::string to_relative(UnixSeconds time, UnixSeconds now);

/// "2h" (ago), "2026-11-22", a full RFC 3339 time, or "@1732…". Errors: Errc::bad_usage.
Result<UnixSeconds> parse_time(const std::string& text, UnixSeconds now);

/// "84 ms", "2.1 s", "3 min".
std::string to_span(double seconds);

}  // namespace bmsg::cli
