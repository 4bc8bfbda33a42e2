// The history of somebody's keys, as the chain tells it.

#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "lib/api/json_objects.h"
#include "lib/chain/rules_text.h"
#include "lib/core/ids.h"

namespace bmsg::cli {

/// Public cards and statements of an identity in chain and pool, lowest block first, what is in no
/// block last. Reads the whole chain.
Result<std::vector<api::KeyEventView>> key_history(Context& context, const StoreDir& store,
                                                   const chain::ChainRules& rules,
                                                   const IdentityKey& address);

/// One TAB-separated line: height, time, what.
std::string key_event_line(const api::KeyEventView& view);

}  // namespace bmsg::cli
