// Endorser: what an honest endorser does when it is called, from cron or in a loop.
//
// It needs no session with the others: it looks at what has come, proposes when it is its turn,
// signs the proposal that has most signatures, and leaves the rest to sync.
// Source: bmsg-format(5), "Endorsing".

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/core/result.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/node/endorser_log.h"
#include "lib/node/service.h"

namespace bmsg::node {

/// When an endorser may propose on a parent: its delay in the turn, which goes round with heights
/// and generations.
/// Units: seconds after the generation began.
std::uint64_t proposer_delay(const chain::RulesText& rules, std::uint8_t index, Height height,
                             std::uint64_t generation);

/// The place of a key among the endorsers in force; nullopt if it has none.
std::optional<std::uint8_t> endorser_index(const chain::RulesText& rules, const EndorserKey& key);

/// What was signed in one go.
struct EndorsedBlock {
  BlockHash hash;
  Height height;
  bool proposed = false;  // Made by us.
  bool sealed = false;    // It has become a block with that.
};

struct EndorseReport {
  std::vector<EndorsedBlock> blocks;
  std::string waits_for;     // In words, if nothing more is to be done now. Empty: for nothing.
  bool log_was_old = false;  // The log did not know of what our key signed: it starts anew.
};

struct EndorserParts {
  Service& service;
  const chain::ChainRules& chain;  // The first rules.
  const Clock& clock;
  const crypto::SecretBytes& seed;
  EndorserKey key;  // The public half of that.
  EndorserLog& log;
};

/// Proposes and signs until nothing is left to do now. With `dry`, says what the first step is.
/// Errors: Errc::denied if the key is none of this chain's endorsers; else as Service and Disk.
Result<EndorseReport> endorse(const EndorserParts& parts, bool dry);

}  // namespace bmsg::node
