// Lines for cron and units for systemd that keep a store in touch with its peers.

#pragma once

#include <string>
#include <vector>

#include "lib/core/result.h"

namespace bmsg::cli {

/// How a store has part in making blocks.
enum class BlockWork { mine, endorse, none };

/// What is run, and where. Paths are absolute.
struct ScheduleWish {
  std::string program;
  std::string store;
  std::string backup;  // A directory; empty: no backups.
  BlockWork work = BlockWork::mine;
};

/// Errors: Errc::bad_usage for paths that no line of a crontab can hold.
Result<std::string> crontab_block(const ScheduleWish& wish);

/// A crontab without the block of this store; every other line stays as it is.
std::string without_block(const std::string& crontab, const std::string& store);

struct Unit {
  std::string name;  // "bmsg-sync.timer".
  std::string text;
};
/// Services and timers of the user's manager. Errors: as crontab_block.
Result<std::vector<Unit>> systemd_units(const ScheduleWish& wish);

/// The names of all units that there may be, of any work, with and without a backup.
std::vector<std::string> all_unit_names();

/// The first line of a unit of this store: what has it may be replaced and removed.
std::string unit_mark(const std::string& store);

}  // namespace bmsg::cli
