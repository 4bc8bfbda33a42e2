// The chunks of files that go with messages which are forgotten.

#pragma once

#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/forgetting.h"
#include "cli/mailroom.h"
#include "cli/store_blobs.h"
#include "lib/mail/forget_files.h"

namespace bmsg::cli {

/// Chunks that go with what a plan names.
struct ChunkPlan {
  mail::GoingChunks chunks;
  std::optional<Error> unknown;  // Why nobody could look which they are.
};

/// Looks it up, and changes nothing. Only the key tells which chunks a message names: `room` is
/// opened if there are any and something of ours goes before its time.
/// Errors: as Mailroom, but for a passphrase that is not to be had.
Result<ChunkPlan> plan_chunks(Context& context, const StoreDir& store, const StoreBlobs& blobs,
                              const ForgetPlan& plan, std::unique_ptr<Mailroom>& room);

}  // namespace bmsg::cli
