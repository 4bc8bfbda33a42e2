// Records of what a chain of endorsers has beside its blocks.

#pragma once

#include "lib/node/store.h"
#include "storage/database.h"

namespace bmsg::storage {

/// Adds what the change says to `batch`.
Result<Done> put_endorsed(Batch& batch, const node::EndorsedChange& change);

}  // namespace bmsg::storage
