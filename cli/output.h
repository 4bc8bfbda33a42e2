// Output: results on standard output, everything else on standard error.

#pragma once

#include <string>
#include <string_view>

#include "lib/core/result.h"

namespace bmsg::cli {

/// How much is said on standard error.
enum class Noise { quiet, normal, verbose };

/// Where a command's words go. Data is buffered and the last write is checked: a full disk behind
/// standard output must not look like success.
/// Threads: one at a time.
class Output {
 public:
  /// One line of the result.
  void line(std::string_view text);
  /// Bytes of the result as they are.
  void raw(std::string_view bytes);
  /// Writes out what is buffered, now. Errors: Errc::io.
  Result<Done> flush();

  /// A remark for a person: only where standard error is a terminal, or with -v.
  void note(std::string_view text) const;
  /// A line that a person must see although the command goes on.
  void warn(std::string_view text) const;

  bool to_terminal() const;
  /// Of the terminal, or 80.
  std::size_t columns() const;

  void set_noise(Noise noise) { noise_ = noise; }
  Noise noise() const { return noise_; }

 private:
  std::string buffer_;
  bool failed_ = false;
  Noise noise_ = Noise::normal;
};

}  // namespace bmsg::cli
