// Flags as a person changes them: "+flagged -unread".

#pragma once

#include <string_view>

#include "lib/core/result.h"
#include "lib/mail/mail_store.h"

namespace bmsg::mail {

/// All flags that there are, ascending.
const Flags& known_flags();

/// What is set and what is taken away, of any message.
class FlagChange {
 public:
  FlagChange() = default;
  /// Taking away one flag.
  static FlagChange without(const char* flag);

  /// One word: "+" or "-" and a flag.
  /// Errors: Errc::bad_usage for any other word, and for a flag that is both set and taken away.
  Result<Done> add(std::string_view word);

  bool empty() const { return set_.empty() && unset_.empty(); }
  /// What becomes of these flags.
  Flags applied_to(Flags flags) const;

 private:
  Flags set_;
  Flags unset_;
};

}  // namespace bmsg::mail
