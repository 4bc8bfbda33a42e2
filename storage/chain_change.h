// A ChainChange as a batch of records.

#pragma once

#include <cstddef>
#include <unordered_set>

#include "lib/node/store.h"
#include "storage/database.h"

namespace bmsg::storage {

/// What a batch must hold to make a chain of nothing but its genesis block.
void put_genesis(Batch& batch, std::string_view rules_text, const Header& genesis,
                 const BlockHash& hash, node::Keeps keeps);

/// All that wait in the pool, where somebody knows.
using PoolIds = std::unordered_set<MessageId, FixedBytesHash>;

/// Adds everything that the change says to `batch`; how many messages leave the pool. Null: which
/// are there is looked up.
/// Errors: Errc::corrupt if the change does not fit what is stored (nothing may be committed then);
///         else as reading.
Result<std::size_t> put_change(Batch& batch, const node::ChainChange& change, const PoolIds* pool);

}  // namespace bmsg::storage
