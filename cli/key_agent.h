// The key agent: a process that keeps an unlocked keyring for a while, for the commands of one
// store and one user.

#pragma once

#include <chrono>
#include <optional>

#include "cli/keyring_file.h"

namespace bmsg::cli {

/// What the agent of a store keeps; nullopt if there is none, or it cannot open the keyring any
/// more.
std::optional<OpenKeyring> ask_agent(const StoreDir& store);

/// Starts an agent that knows `passphrase`, in place of one that runs. When it returns, commands
/// find it. Errors: Errc::io, Errc::no_resource, Errc::locked.
Result<Done> start_agent(Context& context, const StoreDir& store, crypto::SecretBytes passphrase,
                         std::chrono::seconds time);

/// Ends the agent; true if there was one. Errors: Errc::locked while somebody else starts one.
Result<bool> stop_agent(const Context& context, const StoreDir& store);

}  // namespace bmsg::cli
