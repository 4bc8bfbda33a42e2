// Output: results on standard output, everything else on standard error.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/pager.h"
#include "lib/core/descriptor.h"
#include "lib/core/result.h"

namespace bmsg::cli {

/// How much is said on standard error.
enum class Noise { quiet, warnings, normal, verbose };

/// What a piece of text is, for terminals that have colours.
enum class Paint { alarm, strong };

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
  /// The same, and waits for the pager if there is one.
  Result<Done> end();
  /// At a terminal, what is more than a screen goes through this program; empty for none.
  void page_through(const std::string& program);

  /// From here on nothing is written: results wait for taken(), remarks and warnings for told().
  void keep() { keeps_ = true; }
  std::string taken() { return std::exchange(buffer_, {}); }
  const std::vector<std::string>& told() const { return told_; }

  /// A remark for a person: only where standard error is a terminal, or with -v.
  void note(std::string_view text) const;
  /// What only somebody who looks for a fault wants: with -v, and in the log.
  void detail(std::string_view text) const;
  /// A line that a person must see although the command goes on.
  void warn(std::string_view text) const;
  /// Lines that are ready to be read: an error and its hint, or a status.
  void tell(std::string_view lines) const;
  /// Remarks, warnings and errors go to the end of `file` too, the quiet ones as well.
  /// Errors: Errc::io.
  Result<Done> log_to(const std::string& file);

  bool to_terminal() const;
  /// Of the terminal, or 80.
  std::size_t columns() const;

  /// `text` in a colour, where colours are wanted.
  std::string painted(std::string_view text, Paint paint) const;
  void set_colors(bool wanted) { colors_ = wanted; }

  void set_noise(Noise noise) { noise_ = noise; }
  Noise noise() const { return noise_; }

 private:
  void remark(std::string_view text, bool wanted) const;

  std::string buffer_;
  bool failed_ = false;
  int reason_ = 0;  // The errno of the first failure.
  bool colors_ = false;
  bool keeps_ = false;
  mutable std::vector<std::string> told_;
  Noise noise_ = Noise::normal;
  Descriptor log_;
  std::string pager_;  // Its name and options; empty: none.
  std::unique_ptr<Pager> running_;
};

}  // namespace bmsg::cli
