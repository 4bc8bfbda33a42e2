// What somebody looks for in mail.

#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/result.h"

namespace bmsg::mail {

/// Phrases that must all occur. Case, Unicode form, and how words are spaced or broken into lines
/// make no difference.
class Phrases {
 public:
  /// Errors: Errc::bad_usage if one of them is blank or not UTF-8, or if there is none.
  static Result<Phrases> make(const std::vector<std::string>& texts);

  /// Whether each occurs in one of these texts, which may be anything.
  bool occur_in(std::initializer_list<std::string_view> texts) const;

 private:
  std::vector<std::string> folded_;
};

}  // namespace bmsg::mail
