// Whose a new store is to be: the options that init and clone share, and what both print at the
// end.

#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cli/command.h"
#include "cli/make_store.h"
#include "lib/core/ids.h"

namespace bmsg::cli {

struct OwnerOptions {
  std::string name;
  bool no_identity = false;
  bool no_passphrase = false;
  bool light = false;
  std::string node_key;      // A file; empty: any key.
  std::string endorser_key;  // A file; empty: it does not endorse.
  std::string revocation;    // A file for the paper that ends the identity; empty: it is shown.
};

/// Adds --name, --no-identity, --no-passphrase, --node-key and --light to a command.
void add_owner_options(Command command, OwnerOptions& options);

/// What the store of a chain is to hold; asks for a passphrase unless told not to. `directory` is
/// how the question names the store.
/// Errors: Errc::bad_input for a name that is none; Errc::bad_usage for an empty passphrase; as
///         new_passphrase().
Result<NewStore> store_for(Context& context, const OwnerOptions& options, std::string rules_text,
                           const std::filesystem::path& directory);

/// Prints path, chain and address.
Result<Done> report_store(Context& context, const StoreDir& store,
                          const std::optional<IdentityKey>& address);

}  // namespace bmsg::cli
