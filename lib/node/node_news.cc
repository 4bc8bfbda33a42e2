// What a node tells of: its feed, and whom it wakes. Our own new messages are kept back
// (embargo.h).

#include <utility>

#include "lib/chain/block_hash.h"
#include "lib/core/try.h"
#include "lib/node/node.h"

namespace bmsg::node {
namespace {

constexpr std::size_t kArrivalsMax = 100'000;  // Kept for cursors; who is further behind gets all.

}  // namespace

void Node::on_change(std::function<void()> call) { listen(on_change_, std::move(call)); }

void Node::on_kept_back(std::function<void()> call) { listen(on_kept_back_, std::move(call)); }

void Node::listen(Listening& place, std::function<void()> call) {
  std::unique_lock lock(mutex_);
  const Listening before = std::exchange(
      place, call ? std::make_shared<Listener>(Listener{std::move(call), 0}) : nullptr);
  // What it uses may be gone when this returns.
  if (before) called_.wait(lock, [&] { return before->running == 0; });
}

void Node::call(const Listening& place) {
  Listening listener;
  {
    const std::lock_guard lock(mutex_);
    listener = place;
    if (!listener) return;
    ++listener->running;
  }
  listener->call();
  const std::lock_guard lock(mutex_);
  --listener->running;
  called_.notify_all();
}

void Node::tell(const News& news) {
  if (news.kept_back) call(on_kept_back_);
  if (news.any) call(on_change_);
}

void Node::note(const MessageId& id) {
  arrivals_.push_back(id);
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
                                                        Origin origin, std::uint64_t giver) {
  const bool is_light = parts_.store.is_light();
  std::vector<std::optional<Origin>> before;  // Of what was pooled.
  for (const Message& message : messages) {
    if (origin != Origin::own && !is_light) break;
    BMSG_TRY_ASSIGN(const auto pooled, parts_.store.pooled(chain::id_of(message.head)));
    before.push_back(pooled ? std::optional(pooled->origin) : std::nullopt);
  }
  before.resize(messages.size());
  if (is_light && origin == Origin::peer) {
    // It wants nobody else's: all the same to who brings it, whatever it is.
    std::vector<Message> ours;
    std::vector<MessageOutcome> outcomes;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      outcomes.push_back({chain::id_of(messages[i].head), Verdict::known, {}});
      if (before[i] == Origin::own) ours.push_back(messages[i]);
    }
    BMSG_TRY_ASSIGN(const auto kept, state_.keep_bodies(messages));
    news_.any = news_.any || kept > 0;
    if (!ours.empty()) BMSG_TRY(submit_locked(ours, Origin::reorg));  // They stay ours.
    return outcomes;
  }
  // Others that bring what is kept back must find no trace of it, not even in its stamp.
  const auto kept = origin == Origin::own ? std::vector<MessageId>() : embargo_.kept();
  BMSG_TRY_ASSIGN(auto outcomes, pool_.submit(messages, {origin, giver}, kept));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const MessageOutcome& outcome = outcomes[i];
    // A light node tells nobody of what came back from a block, until the outbox says it is ours.
    const bool was_hidden = is_light && origin == Origin::own &&
                            outcome.verdict == Verdict::known && before[i] &&
                            before[i] != Origin::own;
    if (outcome.verdict == Verdict::accepted || was_hidden)
      BMSG_TRY(note_taken(outcome.id, origin, before[i].has_value()));
  }
  return outcomes;
}

/// What a block holds is no secret, whether or not the best chain has it.
Result<Done> Node::note_blocked(const std::vector<Message>& messages) {
  if (embargo_.kept().empty()) return done;
  for (const Message& message : messages) {
    const MessageId id = chain::id_of(message.head);
    if (!embargo_.end(id)) continue;
    BMSG_TRY_ASSIGN(const auto pooled, parts_.store.pooled(id));
    if (pooled) note(id);
  }
  return done;
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
