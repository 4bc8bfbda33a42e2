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
  explicit LineInput(int descriptor) : descriptor_(descriptor) {}

  /// The next line without its end; false if there is none. What stands behind the last end is a
  /// line too. Errors: Errc::io.
  Result<bool> next(std::string& line);
  /// Whether next() would not wait: a whole line is here. Looks without waiting.
  bool has_line();

 private:
  Result<bool> fill();

  int descriptor_;
  std::string read_;
  std::size_t at_ = 0;  // Where the next line begins.
  bool ended_ = false;
};

}  // namespace bmsg::cli
