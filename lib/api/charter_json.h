// The object `charter` (bmsg-json(5)).

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/chain/rule_changes.h"
#include "lib/core/ids.h"

namespace bmsg::api {

/// A version of a chain's rules that is wanted or in force, and where it stands.
struct CharterView {
  ChainId chain;
  std::uint32_t version = 0;
  Digest rules;                         // H(its text).
  std::optional<std::uint32_t> needed;  // Signatures; none for the first rules.
  std::vector<EndorserKey> signers = {};
  std::vector<chain::RuleChange> changes = {};  // From the version before.
  std::optional<Height> height = {};            // Of the block that carries it.
  std::optional<BlockHash> block = {};
  std::optional<UnixSeconds> time = {};
  std::optional<MessageId> message = {};  // That carries it, in a block or the pool.
  std::optional<std::string> text = {};   // The draft, as it is written.
};

std::string charter_json(const CharterView& view);

}  // namespace bmsg::api
