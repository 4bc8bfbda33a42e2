// ChainState on a chain of endorsers: proposals, signatures that come later, and who signed twice.
// Source: bmsg-format(5), "Endorsing".

#include <algorithm>
#include <utility>

#include "lib/chain/block_digests.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/charter.h"
#include "lib/chain/endorsement.h"
#include "lib/core/try.h"
#include "lib/node/chain_state.h"

namespace bmsg::node {
namespace {

BlockOutcome outcome_of(Verdict verdict, std::optional<chain::Violation> violation = {}) {
  return {.verdict = verdict, .violation = std::move(violation), .reorg = {}};
}

BlockOutcome proposal_of(Verdict verdict) {
  BlockOutcome outcome = outcome_of(verdict);
  outcome.is_proposal = true;
  return outcome;
}

/// About what it takes up, without writing it down.
std::uint64_t bytes_of(const Block& block) {
  std::uint64_t bytes = kHeaderBytes + block.seal.size() * (1 + Signature::kSize);
  for (const Message& message : block.messages) bytes += message.head.encoded_bytes();
  return bytes;
}

bool is_older(const Proposal& a, const Proposal& b) {
  return std::pair(a.block.header.time, a.hash) < std::pair(b.block.header.time, b.hash);
}

}  // namespace

bool ChainState::is_endorsed() const { return chain_.rules.mode == chain::Mode::endorse; }

Result<const chain::ChainRules*> ChainState::rules_at_tip() {
  BMSG_TRY_ASSIGN(const auto tip, store_.tip());
  BMSG_TRY_ASSIGN(const auto header, store_.header(tip.hash));
  if (!header) return Error{Errc::corrupt, "the store lacks its tip"};
  return rules_after(*header);
}

Result<const chain::ChainRules*> ChainState::rules_after(const StoredHeader& block) {
  return rules_.after(block.hash, block.sealed.header);
}

/// What a new block brings beside itself: the rules of its charter, and proof of who signed it and
/// another one.
Result<Done> ChainState::note_endorsed(const Block& block, const BlockHash& hash,
                                       const StoredHeader& parent) {
  beside_ = EndorsedChange();
  if (!is_endorsed()) return done;
  for (const Message& message : block.messages) {
    if (message.head.suite != Suite::charter) continue;
    BMSG_TRY_ASSIGN(auto charter, chain::decode_charter(*message.body));
    beside_.charters.push_back({hash, std::move(charter.rules_text)});
  }
  BMSG_TRY_ASSIGN(const auto rules, rules_.after(parent.hash, parent.sealed.header));
  BMSG_TRY_ASSIGN(const auto others, siblings_of(block.header));
  for (const SealedHeader& other : others) {
    auto found =
        chain::find_evidence(*rules, parent.sealed.header, {block.header, block.seal}, other);
    std::ranges::move(found, std::back_inserter(beside_.evidence));
  }
  return done;
}

/// All others with its parent: stored ones and proposals.
Result<std::vector<SealedHeader>> ChainState::siblings_of(const Header& header) {
  std::vector<SealedHeader> found;
  BMSG_TRY(side_.load());
  std::vector<BlockHash> hashes = side_.children_of(header.previous);
  BMSG_TRY_ASSIGN(const auto best, store_.hash_at(header.height));
  if (best) hashes.push_back(*best);
  for (const BlockHash& hash : hashes) {
    BMSG_TRY_ASSIGN(auto stored, store_.header(hash));
    if (stored && stored->sealed.header.previous == header.previous)
      found.push_back(std::move(stored->sealed));
  }
  BMSG_TRY_ASSIGN(const auto proposals, store_.proposals());
  for (const Proposal& one : proposals) {
    if (one.block.header.previous == header.previous)
      found.push_back({one.block.header, one.block.seal});
  }
  return found;
}

Result<std::optional<BlockOutcome>> ChainState::add_signatures(const SealedHeader& sealed) {
  if (!is_endorsed() || sealed.seal.empty()) return std::optional<BlockOutcome>();
  const BlockHash hash = chain::hash_of(sealed.header);
  BMSG_TRY_ASSIGN(const auto proposal, store_.proposal(hash));
  BMSG_TRY_ASSIGN(const auto stored, store_.header(hash));
  const bool is_genesis = stored && stored->sealed.header.height.value == 0;
  if ((!proposal && !stored) || is_genesis) return std::optional<BlockOutcome>();
  const Seal& before = stored ? stored->sealed.seal : proposal->block.seal;
  const Seal merged = chain::merge(before, sealed.seal);
  if (merged == before)
    return std::optional(stored ? outcome_of(Verdict::known) : proposal_of(Verdict::known));
  BMSG_TRY_ASSIGN(const auto parent, store_.header(sealed.header.previous));
  if (!parent) return Error{Errc::corrupt, "the store lacks the parent of a proposal"};
  BMSG_TRY_ASSIGN(const auto rules, rules_.after(parent->hash, parent->sealed.header));
  if (auto violation = chain::find_seal_violation(sealed.seal, hash, *rules, 1))
    return std::optional(outcome_of(Verdict::refused, std::move(violation)));
  if (proposal && !stored) {
    Block block = proposal->block;
    block.seal = merged;
    BMSG_TRY_ASSIGN(auto outcome, accept_new(block));
    return std::optional(std::move(outcome));
  }
  BMSG_TRY_ASSIGN(auto block, store_.block(hash, Bodies::with));
  if (!block) return Error{Errc::corrupt, "the store lacks a block of its own"};
  block->seal = merged;
  BMSG_TRY(note_endorsed(*block, hash, *parent));
  ChainChange change;
  change.endorsed = std::exchange(beside_, EndorsedChange());
  const auto ids = chain::ids_of(*block);
  change.added.push_back({std::move(*block), hash, ids, stored->total_work});
  BMSG_TRY(store_.apply(change));
  return std::optional(outcome_of(Verdict::accepted));
}

/// Which proposals go for a new one; nullopt: it finds no room itself.
Result<std::optional<std::vector<BlockHash>>> ChainState::room_for(const Proposal& proposal) const {
  using Answer = std::optional<std::vector<BlockHash>>;
  BMSG_TRY_ASSIGN(auto others, store_.proposals());
  std::erase_if(others, [&](const Proposal& one) { return one.hash == proposal.hash; });
  std::ranges::sort(others, is_older);
  const std::uint8_t first = proposal.block.seal.front().index;
  std::size_t of_first = 1;
  std::uint64_t bytes = bytes_of(proposal.block);
  for (const Proposal& one : others) {
    bytes += bytes_of(one.block);
    if (one.block.seal.front().index == first) ++of_first;
  }
  std::vector<BlockHash> gone;
  for (const Proposal& one : others) {
    const bool is_firsts = one.block.seal.front().index == first;
    const bool is_one_of_too_many = is_firsts && of_first > kProposalsPerEndorser;
    if (!is_one_of_too_many && bytes <= kProposalBytesMax) continue;
    if (!is_older(one, proposal)) return Answer();
    gone.push_back(one.hash);
    bytes -= bytes_of(one.block);
    if (is_firsts) --of_first;
  }
  return Answer(std::move(gone));
}

/// Its messages wait here, too: they come into another block if this one comes to nothing.
Result<BlockOutcome> ChainState::keep_proposal(const Block& block, const BlockHash& hash,
                                               const StoredHeader& parent) {
  BMSG_TRY_ASSIGN(const auto tip, store_.tip());
  BMSG_TRY_ASSIGN(const auto best, store_.header(tip.hash));
  if (!best || store_.is_light()) return proposal_of(Verdict::held);
  const bool is_timely = parent.hash == tip.hash || parent.hash == best->sealed.header.previous;
  if (!is_timely) return proposal_of(Verdict::held);
  Proposal proposal{hash, block};
  BMSG_TRY_ASSIGN(auto gone, room_for(proposal));
  if (!gone) return proposal_of(Verdict::held);
  BMSG_TRY(note_endorsed(block, hash, parent));
  ChainChange change;
  change.endorsed = std::exchange(beside_, EndorsedChange());
  change.endorsed.charters.clear();  // It is no block yet.
  change.endorsed.withdraw = std::move(*gone);
  change.endorsed.propose.push_back(std::move(proposal));
  Ids carried;
  for (const MessageId& id : chain::ids_of(block)) {
    BMSG_TRY_ASSIGN(const bool there, is_in(id, Path{*best, {}}));
    if (there) carried.insert(id);
  }
  auto outcome = proposal_of(Verdict::accepted);
  BMSG_TRY(add_returned(block.messages, carried, change, outcome.pooled));
  BMSG_TRY(store_.apply(change));
  return outcome;
}

/// Takes with a change what goes with it: of the proposals those stay that stand on the tip that
/// will be, or beside it.
Result<Done> ChainState::end_proposals(ChainChange& change) {
  if (!is_endorsed()) return done;
  change.endorsed.charters = std::exchange(beside_.charters, {});
  change.endorsed.evidence = std::exchange(beside_.evidence, {});
  BMSG_TRY_ASSIGN(const auto proposals, store_.proposals());
  BMSG_TRY_ASSIGN(auto tip, store_.tip());
  if (!change.connect.empty()) tip.hash = change.connect.back();
  std::optional<BlockHash> below;
  for (const ChainChange::Added& added : change.added) {
    if (added.hash == tip.hash) below = added.block.header.previous;
  }
  if (!below) {
    BMSG_TRY_ASSIGN(const auto stored, store_.header(tip.hash));
    if (stored) below = stored->sealed.header.previous;
  }
  for (const Proposal& one : proposals) {
    const BlockHash& parent = one.block.header.previous;
    const bool is_block =
        std::ranges::find(change.added, one.hash, &ChainChange::Added::hash) != change.added.end();
    if (is_block || (parent != tip.hash && parent != below))
      change.endorsed.withdraw.push_back(one.hash);
  }
  return done;
}

}  // namespace bmsg::node
