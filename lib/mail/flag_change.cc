#include "lib/mail/flag_change.h"

#include <fmt/format.h>

namespace bmsg::mail {

const Flags& known_flags() {
  static const Flags flags = {"archived", "flagged", "unread"};
  return flags;
}

FlagChange FlagChange::without(const char* flag) {
  FlagChange change;
  change.unset_.insert(flag);
  return change;
}

Result<Done> FlagChange::add(std::string_view word) {
  const std::string flag(word.substr(word.empty() ? 0 : 1));
  const bool is_signed = word.starts_with('+') || word.starts_with('-');
  if (!is_signed || !known_flags().contains(flag)) {
    return Error{Errc::bad_usage, fmt::format("'{}' changes nothing: give + or - and one of {}",
                                              word, fmt::join(known_flags(), ", "))};
  }
  Flags& wanted = word[0] == '+' ? set_ : unset_;
  wanted.insert(flag);
  if (set_.contains(flag) && unset_.contains(flag))
    return Error{Errc::bad_usage, fmt::format("'{}' is both set and taken away", flag)};
  return done;
}

Flags FlagChange::applied_to(Flags flags) const {
  for (const std::string& flag : unset_) flags.erase(flag);
  flags.insert(set_.begin(), set_.end());
  return flags;
}

}  // namespace bmsg::mail
