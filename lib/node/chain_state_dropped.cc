// ChainState's part in forgetting: what was dropped here does not come back with another block.

#include <algorithm>

#include "lib/core/try.h"
#include "lib/node/chain_state.h"

namespace bmsg::node {

void ChainState::remember_dropped(const std::vector<DroppedBody>& dropped) {
  for (const DroppedBody& one : dropped) remembered_.emplace(one.id, one);
}

Result<std::optional<DroppedBody>> ChainState::dropped_before(const MessageId& id) const {
  const auto remembered = remembered_.find(id);
  if (remembered != remembered_.end()) return std::optional(remembered->second);
  return store_.dropped(id);
}

/// A message can stand in blocks of several branches, and come with each of them.
Result<Done> ChainState::drop_again(ChainChange::Added& added, ChainChange& change) const {
  for (std::size_t i = 0; i < added.ids.size(); ++i) {
    Message& message = added.block.messages[i];
    if (message.head.suite == Suite::charter) continue;
    BMSG_TRY_ASSIGN(const auto dropped, dropped_before(added.ids[i]));
    if (!dropped) continue;
    message.body.reset();
    change.drop.push_back(*dropped);
  }
  return done;
}

Result<Done> ChainState::want_no_dropped(ChainChange& change) const {
  std::vector<MessageId> wanted;
  for (const MessageId& id : change.want) {
    BMSG_TRY_ASSIGN(const auto dropped, dropped_before(id));
    if (!dropped) wanted.push_back(id);
  }
  change.want = std::move(wanted);
  return done;
}

}  // namespace bmsg::node
