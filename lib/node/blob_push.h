// Giving peers our chunks of files, so that whoever may read a file gets it while we are away.

#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

#include "lib/core/log.h"
#include "lib/node/blob_directory.h"
#include "lib/node/sync_session.h"
#include "lib/node/transport.h"

namespace bmsg::node {

/// Gives the peer those of our own chunks that it has not, as many as it has room for. `info` is
/// what it said of itself; `is_over` is asked before each request. Returns how many it took.
/// Errors: as Transport; a peer that is full is no error.
Result<std::uint64_t> push_blobs(const BlobDirectory& blobs, Transport& peer, const NodeInfo& info,
                                 const std::function<bool()>& is_over);

/// The same after an exchange, for whoever serves: what came of it is logged. Null: nothing to
/// give.
void give_blobs(const BlobDirectory* blobs, Transport& peer, const SyncReport& exchange,
                const std::function<bool()>& is_over, Log& log);

}  // namespace bmsg::node
