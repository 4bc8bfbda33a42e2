// Several exchanges at once, each with another peer.

#pragma once

#include <vector>

#include "cli/peering.h"

namespace bmsg::cli {

/// Syncs with all of `peers` through `local`, `jobs` of them at a time; they share the blocks that
/// are missing here between them. What came from one is given to the others in a second round.
/// Results in the order of `peers`.
std::vector<Exchange> exchange_with_all(ShortService& local, Context& context,
                                        const StoreDir& store, const std::vector<node::Peer>& peers,
                                        const node::SyncOptions& options, std::size_t jobs);

}  // namespace bmsg::cli
