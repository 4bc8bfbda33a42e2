// send --now: into the pool, into a block, to the peers.

#pragma once

#include "cli/command.h"
#include "cli/compose.h"

namespace bmsg::cli {

/// Mines until the messages are in a block, for `limit` or the setting mine.timeout at most, then
/// syncs. They stay queued whatever goes wrong.
/// Errors: Errc::try_again when the time ran out.
Result<ExitCode> deliver_now(Context& context, const StoreDir& store, const Queued& queued,
                             std::optional<std::chrono::seconds> limit);

/// Tells every peer that may be called; how many took it.
Result<std::size_t> relay(Context& context, const StoreDir& store);

/// Returns when the outbox changes, or after some seconds.
void wait_for_work(Context& context, const StoreDir& store);

}  // namespace bmsg::cli
