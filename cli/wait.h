// Waiting for a message to get somewhere: send --wait.

#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "cli/compose.h"

namespace bmsg::cli {

enum class WaitGoal { queued, pooled, relayed, mined, read };

/// What to wait for: "queued", "pooled", "relayed[=N]", "mined[=N]", "read".
struct WaitWish {
  WaitGoal goal = WaitGoal::queued;
  std::uint64_t count = 1;  // Of peers, or of blocks.
  std::string words;        // As it was asked for.
};

/// Errors: Errc::bad_usage.
Result<WaitWish> parse_wait(const std::string& words);

/// Looks until every recipient's message is there, one cannot get there any more, or the time is
/// over, and prints one line for each recipient. It only looks: the message goes its way whatever
/// comes of this. `keyring` is needed for WaitGoal::read.
Result<ExitCode> wait_for(Context& context, const StoreDir& store, const mail::Keyring* keyring,
                          const Queued& queued, const WaitWish& wish,
                          std::optional<std::chrono::seconds> timeout);

}  // namespace bmsg::cli
