// Node's answers about the bodies that a light store lacks.

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/core/try.h"
#include "lib/node/node.h"

namespace bmsg::node {
namespace {

constexpr std::size_t kBlocksAtOnce = 256;

}  // namespace

Result<std::vector<WantedBody>> Node::wanted_bodies() {
  const std::lock_guard lock(mutex_);
  BMSG_TRY_ASSIGN(const auto ids, parts_.store.wanted());
  std::vector<WantedBody> wanted;
  for (const MessageId& id : ids) {
    BMSG_TRY_ASSIGN(const auto places, parts_.store.places_of(id));
    const auto place = std::ranges::find(places, Branch::main, &MessagePlace::branch);
    if (place == places.end()) continue;  // Its block may come back.
    BMSG_TRY_ASSIGN(const auto message, parts_.store.message_at(*place));
    if (!message) continue;
    const bool expired = message->head.expiry() <= parts_.clock.now().value;
    wanted.push_back({.id = id, .height = place->height, .expired = expired});
  }
  return wanted;
}

Result<Done> Node::want_bodies(const std::vector<MessageId>& ids) {
  {
    const std::lock_guard lock(mutex_);
    if (!parts_.store.is_light()) return done;
    BMSG_TRY(state_.want(ids));
  }
  changed();  // Somebody may be asked at once.
  return done;
}

Result<Done> Node::want_topic(const Topic& topic) {
  if (!parts_.store.is_light()) return done;
  const std::uint64_t now = parts_.clock.now().value;
  std::vector<MessageId> ids;
  // What lies in a block has not expired by its time, and lives no longer than the rules allow.
  const std::uint64_t oldest = now - std::min<std::uint64_t>(now, parts_.chain.rules.maxttl);
  BMSG_TRY_ASSIGN(const auto tip, parts_.store.tip());
  for (std::uint64_t top = tip.height.value; top > 0;) {
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(top, kBlocksAtOnce));
    const Height from{static_cast<std::uint32_t>(top - count + 1)};
    BMSG_TRY_ASSIGN(const auto headers, parts_.store.headers(from, count));
    if (headers.empty() || headers.back().sealed.header.time.value < oldest) break;
    for (const StoredHeader& header : headers) {
      BMSG_TRY_ASSIGN(const auto block, parts_.store.block(header.hash, Bodies::without));
      if (!block) continue;  // A reorganisation came in between.
      for (const Message& message : block->messages) {
        const bool of_topic = message.head.suite == Suite::open && message.head.topic == topic;
        if (of_topic && message.head.expiry() > now) ids.push_back(chain::id_of(message.head));
      }
    }
    top = from.value - 1;
  }
  const std::lock_guard lock(mutex_);
  return state_.want(ids);  // Those that have their bodies are left out there.
}

Result<std::uint64_t> Node::keep_bodies(const std::vector<Message>& messages) {
  const auto kept = [&]() -> Result<std::uint64_t> {
    const std::lock_guard lock(mutex_);
    return state_.keep_bodies(messages);
  }();
  if (kept && kept.value() > 0) changed();
  return kept;
}

}  // namespace bmsg::node
