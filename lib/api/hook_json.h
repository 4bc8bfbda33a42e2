// The objects of bmsg-json(5) that hooks are about: `hook`, and `letter`, which one of them judges.

#pragma once

#include <optional>
#include <string>

#include "lib/core/ids.h"
#include "lib/mail/send.h"

namespace bmsg::api {

struct HookView {
  /// What came of a trial.
  struct Trial {
    bool ok = false;
    std::optional<int> code;  // Absent: it did not exit.
    std::string output;       // Untrusted text.
  };
  std::string name;
  std::string state;  // "absent", "disabled", "enabled" or "refused".
  std::string path;
  std::string reason;  // Empty: null.
  std::optional<Trial> trial;
};
std::string hook_json(const HookView& view);

/// A letter that is about to be sealed; `from` is absent without a signature.
std::string letter_json(const mail::Letter& letter, const std::optional<IdentityKey>& from);

}  // namespace bmsg::api
