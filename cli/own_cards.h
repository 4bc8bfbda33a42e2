// Cards of our own that are not as they should be.

#pragma once

#include "cli/command.h"
#include "cli/keyring_file.h"
#include "lib/mail/card_directory.h"

namespace bmsg::cli {

/// Files away all public cards of chain and pool.
Result<Done> collect_cards(Context& context, const StoreDir& store, mail::CardDirectory& cards);

/// Queues the card of a prekey whose command died before it could, and ends a quarrel of two
/// devices about one number (lib/mail/pairing.h). Where all is well, which takes a file or two to
/// see, nothing is locked; where somebody holds the lock, the next command does it. `open` is
/// read again if the keyring has changed.
/// Errors: as keyring and outbox; nothing is half done.
Result<Done> mend_own_cards(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                            OpenKeyring& open);

}  // namespace bmsg::cli
