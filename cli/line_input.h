// Lines of a descriptor, and whether the next one is here already.

#pragma once

#include <cstddef>
#include <string>

#include "lib/core/result.h"

namespace bmsg::cli {

/// Threads: one at a time.
class LineInput {
 public:
  /// `descriptor` stays the caller's.
  LineInput(int descriptor, std::size_t line_bytes_max)
      : descriptor_(descriptor), line_bytes_max_(line_bytes_max) {}

  /// The next line without its end; false if there is none. What stands behind the last end is a
  /// line too. Of one that is too long only one byte more than it may have. Errors: Errc::io.
  Result<bool> next(std::string& line);
  /// Whether next() would not wait: a whole line is here. Looks without waiting.
  bool has_line();

 private:
  bool find_end();
  Result<bool> fill();

  int descriptor_;
  std::size_t line_bytes_max_;
  std::string read_;
  std::size_t at_ = 0;   // Where the next line begins.
  std::size_t end_ = 0;  // Where it ends; up to here it does not, unless find_end() says so.
  bool ended_ = false;
};

}  // namespace bmsg::cli
