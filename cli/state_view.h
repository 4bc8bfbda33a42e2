// How the store is doing, as status tells it.

#pragma once

#include "cli/command.h"
#include "lib/api/json_objects.h"

namespace bmsg::cli {

/// Errors: as the databases.
Result<api::StateView> state_view(Context& context, const StoreDir& store);

}  // namespace bmsg::cli
