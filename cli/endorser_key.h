// The key with which a store endorses, and what it has signed.

#pragma once

#include <filesystem>
#include <optional>

#include "cli/command.h"
#include "lib/core/ids.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::cli {

EndorserKey endorser_key_of(const crypto::SecretBytes& seed);

/// The secret of keys/endorser.key; nullopt if the store has none. Errors: Errc::corrupt, Errc::io.
Result<std::optional<crypto::SecretBytes>> read_endorser_seed(const Context& context,
                                                              const StoreDir& store);

/// Makes a key that has signed nothing, in `file`. Errors: Errc::exists if there is one.
Result<EndorserKey> make_endorser_key(Context& context, const std::filesystem::path& file);

/// A key of a file for a store that is made: it is written there. With `is_new_chain` nothing of it
/// can have been signed yet.
Result<Done> give_endorser_key(Context& context, const StoreDir& store,
                               const crypto::SecretBytes& seed, bool is_new_chain);

}  // namespace bmsg::cli
