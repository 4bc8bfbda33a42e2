// Mining from a command: a template from the node, a search without any lock, the block back.

#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "cli/command.h"
#include "lib/api/json_objects.h"
#include "lib/node/miner.h"
#include "lib/node/service.h"

namespace bmsg::cli {

/// How a command mines one block.
struct MineOne {
  unsigned threads = 1;
  std::uint32_t bury = 6;
  bool allow_empty = false;  // Mine even if nothing waits.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::function<void(const node::MiningProgress&, const node::BlockTemplate&)> on_progress;
};

/// What came of it.
struct Mined {
  enum class End { block, no_work, out_of_time, stopped };
  End end = End::no_work;
  std::optional<Block> block;
  BlockHash hash;
  std::uint64_t hashes = 0;
  bool has_peers = true;  // Of a block: somebody is listed who may be told of it.
};

/// Errors: Errc::bad_usage on a chain of endorsers.
Result<Done> check_is_mined(const chain::ChainRules& chain);

/// A rate, a mean and a bound; never a countdown, since the search has no memory.
api::StatusView mining_status(const node::MiningProgress& progress);

/// The object `block` of a block that was mined.
std::string mined_json(const Mined& mined);

/// Mines one block and has it stored. Starts over with a new template when the tip moves or new
/// messages come into the outbox; takes the lock only to begin and to end, and keeps it where the
/// search is over in less time than it takes to open the node again.
Result<Mined> mine_one(Context& context, const StoreDir& store, const MineOne& wish,
                       std::stop_token stop);

}  // namespace bmsg::cli
