// Held letters: sealed and sent as soon as a command that has the key finds their cards.

#pragma once

#include <vector>

#include "cli/command.h"
#include "lib/chain/rules_text.h"
#include "lib/mail/held.h"
#include "lib/mail/keyring.h"

namespace bmsg::cli {

/// Sends what waits for a card that is there now, durably, and tells a running node. Looks at
/// nothing else where no letter is held.
/// Errors: as mail::HeldLetters::release.
Result<std::vector<mail::HeldLetters::Released>> release_held(Context& context,
                                                              const StoreDir& store,
                                                              const chain::ChainRules& rules,
                                                              const mail::Keyring& keyring);

}  // namespace bmsg::cli
