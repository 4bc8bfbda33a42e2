// Node's part in forgetting: bodies go, and with them what would bring them back.

#include "lib/chain/block_hash.h"
#include "lib/core/try.h"
#include "lib/node/node.h"

namespace bmsg::node {
namespace {

/// Whether some block has its body. A charter's stays: whoever judges blocks reads it.
Result<bool> can_drop(const Store& store, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto pooled, store.pooled(id));
  if (pooled) return false;
  BMSG_TRY_ASSIGN(const auto places, store.places_of(id));
  for (const MessagePlace& place : places) {
    BMSG_TRY_ASSIGN(const auto message, store.message_at(place));
    if (message && message->body && message->head.suite != Suite::charter) return true;
  }
  return false;
}

}  // namespace

Result<std::vector<MessageId>> Node::forget(const std::vector<MessageId>& ids, DropRule rule) {
  const std::lock_guard lock(mutex_);
  const UnixSeconds now = parts_.clock.now();
  ChainChange change;
  std::vector<MessageId> gone;
  for (const MessageId& id : ids) {
    BMSG_TRY_ASSIGN(const bool goes, can_drop(parts_.store, id));
    if (!goes) continue;
    change.drop.push_back({id, now, rule});
    change.unwant.push_back(id);
    gone.push_back(id);
  }
  if (gone.empty()) return gone;
  const auto applied = parts_.store.apply(change);
  ++rewrites_;
  if (!applied) return applied.error();
  return gone;
}

}  // namespace bmsg::node
