// ChainState: takes blocks in and keeps the head where fork choice puts it.
//
// A block is judged when its parent is here, so every stored block keeps every rule and the head
// is simply the best of the tips: a pure function of the set of blocks held. Taking off one branch
// and putting on another is one change of the store, whatever its depth.

#pragma once

#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "lib/chain/block_digests.h"
#include "lib/chain/merkle.h"
#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/node/rules_book.h"
#include "lib/node/service.h"
#include "lib/node/side_blocks.h"
#include "lib/node/store.h"

namespace bmsg::node {

/// What a node does not follow by itself, though it is better.
struct ReorgPolicy {
  std::uint32_t depth_max = kReorgDepthMax;      // Blocks taken off.
  std::uint64_t seconds_max = kReorgSecondsMax;  // Since the first of them; whichever is deeper.
  std::uint32_t endorsed_depth_max = 6;          // The same on an endorse chain, whatever the time.
  std::uint64_t side_bytes_max = kSideBlockBytesMax;  // Of all blocks beside the best chain.
  /// So much of the branch with the most work stays in any case, if it could yet be followed: a day
  /// of the largest blocks.
  std::uint64_t side_branch_bytes_max = 16 * std::uint64_t{kSideBlockBytesMax};
};

/// Whether a light store wants its body in any case: it may be a card.
bool may_be_card(const MessageHead& head);

/// What is stored is what was judged: a bit that flipped in memory meanwhile is caught here.
/// Errors: Errc::corrupt if the block is not to the last bit what its hash and the ids say.
Result<Done> check_unchanged(const Block& block, const BlockHash& hash,
                             const std::vector<MessageId>& ids);

/// Whether a block of the best chain lies deeper than any branch may reach that policy follows.
/// Then so do all below it, since times rise with the heights.
bool is_settled(const Header& block, const Tip& tip, chain::Mode mode, const ReorgPolicy& policy);

/// The highest block of that kind; nullopt where even the first may go, as on a young chain.
/// Errors: as ChainReader.
Result<std::optional<Height>> highest_settled(const ChainReader& chain, chain::Mode mode,
                                              const ReorgPolicy& policy);

/// Threads: one at a time.
/// Errors:  as Store.
class ChainState {
 public:
  ChainState(Store& store, const chain::ChainRules& chain, const Clock& clock,
             ReorgPolicy policy = {})
      : store_(store),
        chain_(chain),
        clock_(clock),
        policy_(policy),
        side_(store),
        rules_(store, chain) {}

  /// Judges a block and keeps it. When this returns, what it says is durable.
  Result<BlockOutcome> accept(const Block& block);
  /// The same of several, parents first. Those that do nothing but extend the best chain are kept
  /// by one change of the store. Their outcomes up to the first that is neither accepted nor known,
  /// or is a proposal.
  Result<std::vector<BlockOutcome>> accept_all(std::span<const Block> blocks);
  /// One block by itself, whatever it does to the chain: what accept() comes to, though slower.
  Result<BlockOutcome> accept_apart(const Block& block);
  /// Whether that block of the last accept_all() did nothing but extend the best chain: the ids of
  /// its messages, which are all that left the pool. Null: more may have changed.
  const std::vector<MessageId>* extended_by(std::size_t at) const;

  /// On a chain of endorsers: signatures of a block or proposal that is here. Nullopt: it is not.
  Result<std::optional<BlockOutcome>> add_signatures(const SealedHeader& sealed);
  /// The rules for the block after the best one. Good until the next change.
  Result<const chain::ChainRules*> rules_at_tip();

  /// The same for the block after a stored one.
  Result<const chain::ChainRules*> rules_after(const StoredHeader& block);

  /// What accept() would say of a block for its header alone; nullopt if its messages decide.
  Result<std::optional<BlockOutcome>> judge(const SealedHeader& sealed);

  /// Follows the branch that ends at `hash` although policy stopped it. It must be better than the
  /// best chain. Errors: Errc::not_found; Errc::bad_input if it is not better.
  Result<Reorg> follow(const BlockHash& hash);

  /// These were dropped from the store that this one takes the place of: blocks are taken without
  /// them, and they are listed as dropped here, too.
  void remember_dropped(const std::vector<DroppedBody>& dropped);

  // Of a light store.
  /// Bodies are kept as blocks bring them, too: for building a store anew from what is left of it.
  void keep_all_bodies() { keeps_all_bodies_ = true; }
  /// Wants the bodies of stored messages, if they are not here.
  Result<Done> want(const std::vector<MessageId>& ids);
  /// Keeps what is wanted of these, if the bodies are what the heads say; how many.
  Result<std::uint64_t> keep_bodies(const std::vector<Message>& messages);

  /// The tree over the hashes of a stored block's chain, itself included: what its child's `past`
  /// is the root of.
  Result<chain::MerklePeaks> peaks_after(const StoredHeader& block);

 private:
  /// A stored block's way to the best chain.
  struct Path {
    StoredHeader fork;            // On the best chain.
    std::vector<BlockHash> side;  // After it, upwards, to the block itself.
  };
  /// A header that keeps its rules, or what to say of it.
  struct Judged {
    std::optional<BlockOutcome> outcome;
    const chain::ChainRules* rules = nullptr;
    StoredHeader parent;
    Path path;  // To the parent.
  };
  using Ids = std::unordered_set<MessageId, FixedBytesHash>;

  /// Blocks that follow the best one and each other, before they are stored.
  struct Row {
    StoredHeader best;
    Tip tip;
    std::vector<BlockHash> hashes;
    Ids ids;  // Of all their messages.
    ChainChange change;
  };

  Result<BlockOutcome> accept_new(const Block& block);
  Result<std::size_t> extend(std::span<const Block> blocks, std::size_t at);
  Result<std::vector<BlockHash>> following(std::span<const Block> blocks, const StoredHeader& best);
  Result<bool> add_to(Row& row, const Block& block, const chain::BlockDigests& digests);
  Result<Path> path_of(const StoredHeader& block);
  Result<Judged> judge_header(const SealedHeader& sealed);
  Result<std::optional<chain::Violation>> find_violation(const Block& block,
                                                         const std::vector<MessageId>& ids,
                                                         const Judged& judged);
  bool is_endorsed() const;
  Result<Done> note_endorsed(const Block& block, const BlockHash& hash, const StoredHeader& parent);
  Result<std::vector<SealedHeader>> siblings_of(const Header& header);
  Result<std::optional<std::vector<BlockHash>>> room_for(const Proposal& proposal) const;
  Result<BlockOutcome> keep_proposal(const Block& block, const BlockHash& hash,
                                     const StoredHeader& parent);
  Result<Done> end_proposals(ChainChange& change);
  Result<bool> is_in(const MessageId& id, const Path& path) const;
  std::optional<chain::Violation> find_missing_body(const Block& block,
                                                    const std::vector<MessageId>& ids) const;
  Result<std::optional<DroppedBody>> dropped_before(const MessageId& id) const;
  Result<Done> drop_again(ChainChange::Added& added, ChainChange& change) const;
  Result<Done> want_no_dropped(ChainChange& change) const;
  Result<std::optional<Bytes>> find_body(const MessageId& id) const;
  Result<Block> lightened(const Block& block, const std::vector<MessageId>& ids) const;
  void add_wanted(const ChainChange::Added& added, ChainChange& change) const;
  Result<Done> add_pooled_bodies(const Block& block, ChainChange& change) const;
  Result<bool> checkpoints_allow(const Path& path, const Tip& tip, const BlockHash& hash,
                                 Height height) const;
  Result<bool> policy_allows(const Path& path, const Tip& tip, const BlockHash& hash,
                             Height height) const;
  Result<BlockOutcome> place(ChainChange::Added added, const Path& path);
  Result<BlockOutcome> keep_beside(ChainChange change);
  Result<Reorg> connect(const Path& path, const Tip& tip, ChainChange change);
  Result<Done> add_disconnected(const Path& path, const Tip& tip, ChainChange& change,
                                Reorg& reorg);
  Result<Done> add_tree(const Path& path, ChainChange& change);
  /// The pool gets those messages that no block of the best chain holds.
  Result<Done> add_returned(std::vector<Message> messages, const Ids& carried, ChainChange& change,
                            std::vector<MessageId>& returned) const;
  Result<std::uint64_t> best_nonce(const MessageId& id, std::uint64_t nonce) const;
  Result<Done> apply(ChainChange change, const BlockHash& last);
  Result<Done> index(ChainChange& change, const BlockHash& last);
  Result<std::vector<BlockHash>> surplus(const BlockHash& last) const;

  Store& store_;
  const chain::ChainRules& chain_;
  const Clock& clock_;
  ReorgPolicy policy_;
  SideBlocks side_;
  RulesBook rules_;
  EndorsedChange beside_;  // Of the block that is being placed.
  std::vector<std::optional<std::vector<MessageId>>> extended_;  // By the last accept_all().
  bool keeps_all_bodies_ = false;
  std::unordered_map<MessageId, DroppedBody, FixedBytesHash> remembered_;  // Not of this store.
  std::optional<BlockHash> peaks_of_;  // The block that `peaks_` ends with: blocks come in a row.
  chain::MerklePeaks peaks_;
};

}  // namespace bmsg::node
