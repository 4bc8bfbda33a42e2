// Files of a store beside its databases and the outbox's messages: which of them are damaged.

#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "lib/chain/rules_text.h"

namespace bmsg::cli {

/// A file that is not what was written.
struct OwnFault {
  std::string kind;    // What it holds, in a word.
  std::string detail;  // Its name, what is wrong, and what helps.
};

/// Reads each that has a form or a sum to be checked by, but for chunks of others.
/// Errors: as Disk.
Result<std::vector<OwnFault>> damaged_own_files(Context& context, const StoreDir& store,
                                                const chain::ChainRules& rules);

}  // namespace bmsg::cli
