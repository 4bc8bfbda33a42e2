// digest_of: what a store says of its best chain, to compare stores that came to it in other ways.

#pragma once

#include <algorithm>

#include "lib/chain/message_rules.h"
#include "lib/node/memory_store.h"

namespace bmsg {

/// Tip, headers with their work, where each message stands, and the tree over it all.
inline Bytes digest_of(const node::MemoryStore& store) {
  Bytes all;
  const auto tip = store.tip().value();
  const std::uint64_t leaves = std::uint64_t{tip.height.value} + 1;
  append(all, tip.hash.view());
  append(all, tip.work.view());
  for (std::uint32_t at = 0; at < leaves; ++at) {
    const auto stored = store.headers(Height{at}, 1).value().at(0);
    append(all, stored.hash.view());
    append(all, stored.total_work.view());
    const auto block = store.block(stored.hash, Bodies::with).value();
    for (const Message& message : block->messages) {
      const auto places = store.places_of(chain::id_of(message.head)).value();
      all.push_back(static_cast<std::uint8_t>(
          std::ranges::count(places, node::Branch::main, &node::MessagePlace::branch)));
    }
  }
  for (std::uint8_t level = 0; leaves >> level != 0; ++level) {
    for (std::uint64_t i = 0; i < leaves >> level; ++i)
      append(all, store.tree_node(level, i).value()->view());
  }
  return all;
}

}  // namespace bmsg
