// The keyring that an identity goes into: that of the store, or where it is lost a fresh one.

#pragma once

#include <memory>

#include "cli/command.h"
#include "cli/keyring_file.h"

namespace bmsg::cli {

/// A keyring before its lock is held.
struct KeyringToFill {
  OpenKeyring open;
  bool is_fresh = false;  // Not on the disk: the store has none.
};

/// Adds --no-passphrase to a command.
void add_fresh_keyring_option(Command command, bool& no_passphrase);

/// Unlocks the keyring; for a store that has none it makes a fresh one, which nothing holds yet,
/// and asks for its passphrase unless told not to. Errors: as unlock_keyring() and
/// new_passphrase(); Errc::bad_usage for an empty passphrase, and
///         where the store has a keyring and --no-passphrase is given.
Result<KeyringToFill> keyring_to_fill(const Context& context, const StoreDir& store,
                                      bool no_passphrase);

/// The keyring as it is now that the caller holds the mail lock, to be filled and saved. Where it
/// is a fresh one the private index, which nothing opens any more, is put aside.
Result<OpenKeyring> reopen_to_fill(Context& context, const StoreDir& store, KeyringToFill asked);

}  // namespace bmsg::cli
