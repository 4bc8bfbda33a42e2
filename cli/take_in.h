// Identities that came from another store, or from a backup: each becomes a new device here.

#pragma once

#include "cli/command.h"
#include "cli/keyring_file.h"
#include "lib/mail/pairing.h"

namespace bmsg::cli {

/// Refuses to make a second device of an identity in one store, or two identities of one name.
/// Errors: Errc::exists.
Result<Done> check_strangers(const mail::Keyring& here, const mail::Keyring& arrived);

/// Contacts first, then all identities at once, then their cards: whoever is killed between finds
/// no identity and may take them in again, or finds it whole, and its card is queued by the next
/// command that has the key (own_cards.h). The caller holds the mail lock.
Result<Done> take_in(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                     OpenKeyring& open, mail::Pairing pairing);

/// Prints identities as `id` does: the address, or with --json all of it.
Result<Done> print_identities(Context& context, const StoreDir& store, const OpenKeyring& open,
                              const std::vector<IdentityKey>& addresses, const ChainId& chain);

}  // namespace bmsg::cli
