// Passphrases: from a file, a descriptor, a command, a helper program or the terminal. Never from
// an argument, never from the value of a variable.

#pragma once

#include <optional>
#include <string>

#include "cli/command.h"
#include "lib/core/result.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::cli {

/// The passphrase for `what`; asks on the terminal if no source is named and asking is allowed.
/// Errors: Errc::denied if there is no way to get one; Errc::not_found for a file that is absent.
Result<crypto::SecretBytes> passphrase(const Context& context, const std::string& what);

/// A new one, asked twice on a terminal.
Result<crypto::SecretBytes> new_passphrase(const Context& context, const std::string& what);

/// The one that is to take the place of another: from `file` ("-" is standard input), or asked
/// twice on a terminal. Errors: Errc::denied if nobody can be asked.
Result<crypto::SecretBytes> changed_passphrase(const Context& context, const std::string& what,
                                               const std::string& file);

/// What stands in a file, without its line ending; "-" is standard input. `what` names it in
/// errors. Errors: Errc::not_found; Errc::bad_usage if it is too long to be typed.
Result<crypto::SecretBytes> read_secret_file(const std::string& file, const std::string& what);

/// True if an option or a variable names a source.
bool passphrase_is_named(const Context& context);

}  // namespace bmsg::cli
