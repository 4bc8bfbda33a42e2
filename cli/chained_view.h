// Messages as whoever looks at the chain sees them, with or without a key.

#pragma once

#include <optional>

#include "lib/api/web_json.h"
#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/node/store.h"

namespace bmsg::cli {

/// What a message is judged by.
struct ChainedTo {
  const node::ChainReader& chain;
  const chain::ChainRules& rules;
  Height tip;
  UnixSeconds now;
};

/// A message at its place in a block.
/// Errors: as ChainReader.
Result<api::ChainedView> chained_view(const ChainedTo& to, const MessageId& id,
                                      const Message& message, const node::MessagePlace& place);
/// One that waits for a block.
api::ChainedView pooled_view(const ChainedTo& to, const node::PooledMessage& pooled);
/// One of either; nullopt if it is in neither.
Result<std::optional<api::ChainedView>> find_chained(const ChainedTo& to, const MessageId& id);

}  // namespace bmsg::cli
