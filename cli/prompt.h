// Questions to a person at the terminal.

#pragma once

#include <string>

#include "cli/command.h"
#include "lib/core/ids.h"

namespace bmsg::cli {

/// Asks for `expected` to be typed before something that cannot be undone.
/// Errors: Errc::bad_usage if it was not, or nobody can be asked: then `otherwise` says what to do.
Result<Done> confirm_by_typing(Context& context, const std::string& consequence,
                               const std::string& expected,
                               const std::string& otherwise = "--yes says that you mean it");

/// The fingerprint of an address as words. Source: bmsg-format(5), "Fingerprint".
std::string fingerprint_of(const IdentityKey& address);

}  // namespace bmsg::cli
