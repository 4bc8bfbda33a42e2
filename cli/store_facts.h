// What a store says of itself: where, which chain, who.

#pragma once

#include <optional>

#include "cli/command.h"
#include "lib/api/json_objects.h"

namespace bmsg::cli {

/// `address`: of the store's identity, if it is known.
/// Errors: as ChainReader.
Result<api::StoreView> store_facts(Context& context, const StoreDir& store,
                                   const std::optional<IdentityKey>& address);

}  // namespace bmsg::cli
