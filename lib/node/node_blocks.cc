// Node: blocks that come in.

#include <algorithm>
#include <utility>

#include "lib/core/try.h"
#include "lib/node/node.h"

namespace bmsg::node {

Result<std::vector<BlockOutcome>> Node::submit_blocks_locked(std::span<const Block> blocks) {
  auto accepted = state_.accept_all(blocks);
  if (!accepted) {
    (void)follow_rules();  // Some of them may have been kept: the pool is read again.
    return accepted.error();
  }
  auto outcomes = std::move(accepted).value();
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const std::vector<Message>& messages = blocks[i].messages;
    // A file of whole blocks may bring what a light node waits for.
    if (outcomes[i].verdict == Verdict::known && parts_.store.is_light())
      BMSG_TRY(state_.keep_bodies(messages));
    if (outcomes[i].verdict != Verdict::accepted) continue;
    if (const auto* ids = state_.extended_by(i)) {
      pool_.note_gone(*ids);
      BMSG_TRY(note_blocked(messages));
      continue;
    }
    BMSG_TRY_ASSIGN(outcomes[i], note_accepted(std::move(outcomes[i]), messages));
  }
  return outcomes;
}

Result<BlockOutcome> Node::submit_block(const Block& block) {
  auto outcomes = [&] {
    const std::lock_guard lock(mutex_);
    return submit_blocks_locked({&block, 1});
  }();
  if (!outcomes) return outcomes.error();
  if (outcomes.value().front().verdict == Verdict::accepted) changed();
  return std::move(outcomes.value().front());
}

Result<std::vector<BlockOutcome>> Node::submit_blocks(const std::vector<Block>& blocks) {
  auto outcomes = [&] {
    const std::lock_guard lock(mutex_);
    return submit_blocks_locked(blocks);
  }();
  const auto is_accepted = [](const BlockOutcome& one) { return one.verdict == Verdict::accepted; };
  if (outcomes && std::ranges::any_of(outcomes.value(), is_accepted)) changed();
  if (outcomes && !outcomes.value().empty())
    outcomes.value().back() = refused_if_proposal(std::move(outcomes.value().back()));
  return outcomes;
}

}  // namespace bmsg::node
