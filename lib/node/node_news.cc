// What a node tells of: its feed, and whom it wakes. Our own new messages are kept back
// (embargo.h).

#include "lib/chain/block_hash.h"
#include "lib/core/try.h"
#include "lib/node/node.h"

namespace bmsg::node {
namespace {

constexpr std::size_t kArrivalsMax = 100'000;  // Kept for cursors; who is further behind gets all.

}  // namespace

void Node::on_change(std::function<void()> call) {
  const std::lock_guard lock(mutex_);
  on_change_ = std::move(call);
}

void Node::on_kept_back(std::function<void()> call) {
  const std::lock_guard lock(mutex_);
  on_kept_back_ = std::move(call);
}

void Node::tell(const News& news) {
  std::function<void()> change;
  std::function<void()> kept_back;
  {
    const std::lock_guard lock(mutex_);
    if (news.any) change = on_change_;
    if (news.kept_back) kept_back = on_kept_back_;
  }
  if (kept_back) kept_back();
  if (change) change();
}

void Node::note(const MessageId& id) {
  arrivals_.push_back(prefix_of<ShortId>(id));
  if (arrivals_.size() <= kArrivalsMax) return;
  arrivals_.pop_front();
  ++first_arrival_;
}

/// A message that came in, or that others have, too: into the feed, unless it is ours and new.
Result<Done> Node::note_taken(const MessageId& id, Origin origin, bool was_pooled) {
  if (origin == Origin::own && (!was_pooled || embargo_.keeps(id))) {
    BMSG_TRY_ASSIGN(const bool kept, embargo_.keep(id));
    if (kept) {
      news_.kept_back = true;
      return done;
    }
  }
  embargo_.end(id);
  note(id);
  news_.any = true;
  return done;
}

Result<std::vector<MessageOutcome>> Node::submit_locked(const std::vector<Message>& messages,
                                                        Origin origin) {
  std::vector<bool> were_pooled;
  for (const Message& message : messages) {
    if (origin != Origin::own) break;
    BMSG_TRY_ASSIGN(const auto pooled, parts_.store.pooled(chain::id_of(message.head)));
    were_pooled.push_back(pooled.has_value());
  }
  were_pooled.resize(messages.size());
  BMSG_TRY_ASSIGN(auto outcomes, pool_.submit(messages, origin));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const MessageOutcome& outcome = outcomes[i];
    const bool came_back =
        outcome.verdict == Verdict::known && origin != Origin::own && embargo_.keeps(outcome.id);
    if (outcome.verdict == Verdict::accepted || came_back)
      BMSG_TRY(note_taken(outcome.id, origin, were_pooled[i]));
  }
  return outcomes;
}

Result<Done> Node::release_due() {
  News news;
  const auto released = [&]() -> Result<Done> {
    const std::lock_guard lock(mutex_);
    for (const MessageId& id : embargo_.take_due()) {
      BMSG_TRY_ASSIGN(const auto pooled, parts_.store.pooled(id));
      if (!pooled) continue;  // A block holds it by now.
      note(id);
      news.any = true;
    }
    return done;
  }();
  tell(news);
  return released;
}

Result<bool> Node::is_kept_back(const MessageId& id) {
  if (!embargo_.keeps(id)) return false;
  BMSG_TRY_ASSIGN(const auto pooled, parts_.store.pooled(id));
  return pooled.has_value();
}

}  // namespace bmsg::node
