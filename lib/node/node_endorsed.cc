// Node: what a chain of endorsers asks of it beside blocks.

#include <utility>

#include "lib/chain/block_hash.h"
#include "lib/core/try.h"
#include "lib/node/node.h"

namespace bmsg::node {

Result<bool> Node::renew_rules() {
  if (parts_.chain.rules.mode == chain::Mode::pow) return false;
  BMSG_TRY_ASSIGN(const auto rules, state_.rules_at_tip());
  if (rules->tag == in_force_.tag) return false;
  in_force_ = *rules;
  return true;
}

/// What others would refuse now is not to be offered to them.
Result<Done> Node::follow_rules() {
  BMSG_TRY_ASSIGN(const bool are_others, renew_rules());
  if (are_others) BMSG_TRY(pool_.drop_unfit());
  pool_.forget_index();
  return done;
}

/// A block or a proposal came in, or signatures of one.
Result<BlockOutcome> Node::note_accepted(BlockOutcome outcome,
                                         const std::vector<Message>& messages) {
  BMSG_TRY(follow_rules());
  BMSG_TRY(note_blocked(messages));
  if (outcome.reorg) BMSG_TRY(note_returned(outcome.reorg->returned));
  BMSG_TRY(note_returned(outcome.pooled));
  // Of a proposal the feed tells whole; the cursor moves, so that who waits hears of it.
  if (parts_.chain.rules.mode == chain::Mode::endorse) {
    note(MessageId());
    ++rewrites_;  // A seal may have more signatures now.
  }
  return outcome;
}

Result<std::optional<BlockOutcome>> Node::add_signatures(const SealedHeader& sealed) {
  BMSG_TRY_ASSIGN(auto outcome, state_.add_signatures(sealed));
  if (!outcome || outcome->verdict != Verdict::accepted) return outcome;
  // Its messages are on the chain or were seen when the proposal came.
  BMSG_TRY_ASSIGN(auto noted, note_accepted(std::move(*outcome), {}));
  return std::optional(std::move(noted));
}

Result<std::string> Node::rules_in_force() {
  const std::lock_guard lock(mutex_);
  return chain::print(in_force_.rules);
}

Result<std::vector<ProposalNote>> Node::proposals() {
  std::vector<ProposalNote> notes;
  if (parts_.chain.rules.mode == chain::Mode::pow) return notes;
  BMSG_TRY_ASSIGN(const auto proposals, parts_.store.proposals());
  for (const Proposal& one : proposals) notes.push_back({one.hash, signers_of(one.block.seal)});
  return notes;
}

Result<std::optional<Block>> Node::proposal(const BlockHash& hash) {
  BMSG_TRY_ASSIGN(auto found, parts_.store.proposal(hash));
  if (!found) return std::optional<Block>();
  return std::optional(std::move(found->block));
}

}  // namespace bmsg::node
