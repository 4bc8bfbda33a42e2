// ChainState's part for light stores: which bodies stay with a block, which are asked for, and how
// those that come later join it.

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "lib/node/chain_state.h"

namespace bmsg::node {

/// A light store always wants small public messages without a topic: cards are among them, and a
/// head does not tell which.
bool may_be_card(const MessageHead& head) {
  return head.suite == Suite::open && head.topic.is_zero() && head.body_bytes <= kCardBytesMax;
}

/// What another block or the pool has of it.
Result<std::optional<Bytes>> ChainState::find_body(const MessageId& id) const {
  BMSG_TRY_ASSIGN(auto pooled, store_.pooled(id));
  if (pooled && pooled->message.body) return std::move(pooled->message.body);
  BMSG_TRY_ASSIGN(const auto places, store_.places_of(id));
  for (const MessagePlace& place : places) {
    BMSG_TRY_ASSIGN(auto message, store_.message_at(place));
    if (message && message->body) return std::move(message->body);
  }
  return std::optional<Bytes>();
}

/// The block as a light store keeps it. What is ours was in the pool, or in a block that it takes
/// the place of.
Result<Block> ChainState::lightened(const Block& block, const std::vector<MessageId>& ids) const {
  Block light = block;
  for (std::size_t i = 0; i < light.messages.size(); ++i) {
    Message& message = light.messages[i];
    const bool stays =
        keeps_all_bodies_ || message.head.suite == Suite::charter || may_be_card(message.head);
    if (message.body && stays) continue;
    BMSG_TRY_ASSIGN(message.body, find_body(ids[i]));
  }
  return light;
}

void ChainState::add_wanted(const ChainChange::Added& added, ChainChange& change) const {
  if (!store_.is_light()) return;
  for (std::size_t i = 0; i < added.ids.size(); ++i) {
    const Message& message = added.block.messages[i];
    const bool expired = message.head.expiry() <= clock_.now().value;
    if (!message.body && !expired && may_be_card(message.head)) change.want.push_back(added.ids[i]);
  }
}

/// What leaves the pool for a block that was stored without it, stays.
Result<Done> ChainState::add_pooled_bodies(const Block& block, ChainChange& change) const {
  if (!store_.is_light()) return done;
  for (const Message& message : block.messages) {
    if (message.body) continue;
    const MessageId id = chain::id_of(message.head);
    BMSG_TRY_ASSIGN(auto pooled, store_.pooled(id));
    if (pooled && pooled->message.body) change.bodies.push_back({id, *pooled->message.body});
  }
  return done;
}

Result<Done> ChainState::want(const std::vector<MessageId>& ids) {
  ChainChange change;
  for (const MessageId& id : ids) {
    BMSG_TRY_ASSIGN(const auto places, store_.places_of(id));
    if (places.empty()) continue;
    BMSG_TRY_ASSIGN(const auto dropped, store_.dropped(id));
    if (dropped) continue;
    BMSG_TRY_ASSIGN(const auto message, store_.message_at(places.front()));
    if (message && !message->body) change.want.push_back(id);
  }
  return change.want.empty() ? Result<Done>(done) : store_.apply(change);
}

Result<std::uint64_t> ChainState::keep_bodies(const std::vector<Message>& messages) {
  BMSG_TRY_ASSIGN(const auto wanted, store_.wanted());
  ChainChange change;
  for (const Message& message : messages) {
    const MessageId id = chain::id_of(message.head);
    const bool fits = message.body && !chain::find_body_violation(message) &&
                      message.body->size() == message.head.body_bytes;
    if (fits && std::ranges::binary_search(wanted, id))
      change.bodies.push_back({id, *message.body});
  }
  if (!change.bodies.empty()) BMSG_TRY(store_.apply(change));
  return static_cast<std::uint64_t>(change.bodies.size());
}

}  // namespace bmsg::node
