// What is left of a damaged store, and a sound one made of it.

#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "cli/command.h"
#include "lib/chain/rules_text.h"
#include "lib/node/store.h"

namespace bmsg::cli {

/// What is wrong with the two databases, in words; empty: nothing.
struct Damage {
  std::vector<std::string> chain;
  std::vector<std::string> mail;

  bool any() const { return !chain.empty() || !mail.empty(); }
};

/// Reads every byte of both. Errors: Errc::io if the disk fails.
Result<Damage> find_damage(Context& context, const StoreDir& store, const chain::ChainRules& rules);

/// What is wrong with the private index. Errors: as find_damage().
Result<std::vector<std::string>> find_index_damage(Context& context, const StoreDir& store);

/// What came over from the damaged chain to the new one, and what was seen of the rest.
struct Salvaged {
  Height kept;               // The last block of the new chain.
  Height top;                // The last one that there should be, as far as is known.
  std::set<MessageId> seen;  // Messages of blocks that could be read and not be connected.
  std::uint64_t pooled = 0;  // Of those and of the pool, how many wait in the new pool.
  /// Of a light store: those with their bodies, for when their blocks are here again.
  std::vector<Message> strays = {};
};

/// Makes a new chain in `into` from every block of the old one that verifies after the one before,
/// with pool, peers and checkpoints as far as they can be read, and its witness in `witness`.
Result<Salvaged> salvage(Context& context, const StoreDir& store, const chain::ChainRules& rules,
                         const std::filesystem::path& into, const std::filesystem::path& witness);

}  // namespace bmsg::cli
