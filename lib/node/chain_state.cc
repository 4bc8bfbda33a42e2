#include "lib/node/chain_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/chain/block_digests.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/block_rules.h"
#include "lib/chain/fork_choice.h"
#include "lib/chain/header_rules.h"
#include "lib/chain/message_rules.h"
#include "lib/chain/work.h"
#include "lib/core/try.h"

namespace bmsg::node {
namespace {

Error lost(std::string_view what) {
  return Error{Errc::corrupt, fmt::format("the store lacks {}", what)};
}

BlockOutcome outcome_of(Verdict verdict, std::optional<chain::Violation> violation = {}) {
  return {.verdict = verdict, .violation = std::move(violation), .reorg = {}};
}

std::uint64_t bytes_of(const Block& block) {
  std::uint64_t bytes = 0;
  for (const Message& message : block.messages) bytes += message.head.encoded_bytes();
  return bytes;
}

bool is_new(const ChainChange& change, const MessageId& id) {
  return std::ranges::any_of(change.added, [&](const ChainChange::Added& added) {
    return std::ranges::find(added.ids, id) != added.ids.end();
  });
}

/// A light store asks no more for what only forgotten blocks hold.
Result<Done> add_unwanted(const Store& store, ChainChange& change) {
  if (!store.is_light() || change.forget.empty()) return done;
  BMSG_TRY_ASSIGN(const auto wanted, store.wanted());
  const auto is_forgotten = [&](const MessagePlace& place) {
    return std::ranges::find(change.forget, place.block) != change.forget.end();
  };
  for (const BlockHash& hash : change.forget) {
    BMSG_TRY_ASSIGN(const auto block, store.block(hash, Bodies::without));
    if (!block) continue;
    for (const MessageId& id : chain::ids_of(*block)) {
      if (!std::ranges::binary_search(wanted, id) || is_new(change, id)) continue;
      BMSG_TRY_ASSIGN(const auto places, store.places_of(id));
      if (std::ranges::all_of(places, is_forgotten)) change.unwant.push_back(id);
    }
  }
  return done;
}

}  // namespace

Result<ChainState::Path> ChainState::path_of(const StoredHeader& block) {
  BMSG_TRY(side_.load());
  Path path{block, side_.branch_to(block.hash)};
  if (path.side.empty()) return path;
  BMSG_TRY_ASSIGN(const auto first, store_.header(path.side.front()));
  if (!first) return lost("a block of a side branch");
  BMSG_TRY_ASSIGN(auto fork, store_.header(first->sealed.header.previous));
  if (!fork) return lost("the parent of a stored block");
  path.fork = std::move(*fork);
  return path;
}

Result<chain::MerklePeaks> ChainState::peaks_after(const StoredHeader& block) {
  if (peaks_of_ == block.hash) return peaks_;
  if (peaks_of_ == block.sealed.header.previous) {
    (void)peaks_.add(chain::leaf_hash(block.hash.view()));  // Only the peaks count.
    peaks_of_ = block.hash;
    return peaks_;
  }
  BMSG_TRY_ASSIGN(const auto path, path_of(block));
  const std::uint64_t size = std::uint64_t{path.fork.sealed.header.height.value} + 1;
  std::vector<Digest> roots;
  for (const chain::Subtree& subtree : chain::subtrees_of({0, size})) {
    BMSG_TRY_ASSIGN(const auto root, store_.tree_node(subtree.level, subtree.index));
    if (!root) return lost("a node of the tree over its blocks");
    roots.push_back(*root);
  }
  chain::MerklePeaks peaks(size, std::move(roots));
  for (const BlockHash& hash : path.side)
    (void)peaks.add(chain::leaf_hash(hash.view()));  // Only the peaks count.
  peaks_of_ = block.hash;
  peaks_ = peaks;
  return peaks;
}

Result<bool> ChainState::is_in(const MessageId& id, const Path& path) const {
  BMSG_TRY_ASSIGN(const auto places, store_.places_of(id));
  return std::ranges::any_of(places, [&](const MessagePlace& place) {
    if (place.branch == Branch::main) return place.height <= path.fork.sealed.header.height;
    return std::ranges::find(path.side, place.block) != path.side.end();
  });
}

std::optional<chain::Violation> ChainState::find_missing_body(
    const Block& block, const std::vector<MessageId>& ids) const {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Message& message = block.messages[i];
    // A light store asks for heads; but for a charter, which travels with its body always.
    const bool is_needed = !store_.is_light() || message.head.suite == Suite::charter;
    const bool expired = message.head.expiry() <= clock_.now().value;
    if (!message.body && !expired && is_needed && !remembered_.contains(ids[i]))
      return chain::Violation{chain::Rule::body, "absent, though not expired"};
  }
  return std::nullopt;
}

Result<ChainState::Judged> ChainState::judge_header(const SealedHeader& sealed) {
  const Header& header = sealed.header;
  const BlockHash hash = chain::hash_of(header);
  BMSG_TRY_ASSIGN(const auto known, store_.header(hash));
  if (known) return Judged{outcome_of(Verdict::known), {}, {}, {}};
  BMSG_TRY_ASSIGN(auto parent, store_.header(header.previous));
  if (!parent) return Judged{outcome_of(Verdict::orphan), {}, {}, {}};
  // Held, not refused: our own clock may be the slow one.
  const std::uint64_t ahead =
      clock_.now().value + static_cast<std::uint64_t>(kTimeAheadMax.count());
  if (header.time.value > ahead) return Judged{outcome_of(Verdict::held), {}, {}, {}};

  BMSG_TRY_ASSIGN(const auto peaks, peaks_after(*parent));
  BMSG_TRY_ASSIGN(const auto rules, rules_.after(parent->hash, parent->sealed.header));
  // With fewer signatures than it needs it is a proposal.
  const chain::HeaderContext context{*rules,
                                     parent->sealed.header,
                                     parent->hash,
                                     peaks.root(),
                                     std::min<std::size_t>(1, rules->rules.endorse),
                                     hash};
  if (auto violation = chain::find_violation(sealed, context))
    return Judged{outcome_of(Verdict::refused, std::move(violation)), {}, {}, {}};
  BMSG_TRY_ASSIGN(auto path, path_of(*parent));
  return Judged{std::nullopt, rules, std::move(*parent), std::move(path)};
}

Result<std::optional<BlockOutcome>> ChainState::judge(const SealedHeader& sealed) {
  BMSG_TRY_ASSIGN(auto judged, judge_header(sealed));
  return std::move(judged.outcome);
}

Result<std::optional<chain::Violation>> ChainState::find_violation(
    const Block& block, const std::vector<MessageId>& ids, const Judged& judged) {
  std::optional<Error> failed;
  auto violation = chain::find_violation(block, ids, *judged.rules, [&](const MessageId& id) {
    auto there = is_in(id, judged.path);
    if (!there) failed = there.error();
    return there && there.value();
  });
  if (failed) return *failed;
  if (!violation) violation = find_missing_body(block, ids);
  return violation;
}

Result<BlockOutcome> ChainState::accept_apart(const Block& block) {
  BMSG_TRY_ASSIGN(auto grown, add_signatures({block.header, block.seal}));
  if (grown) return std::move(*grown);
  return accept_new(block);
}

Result<BlockOutcome> ChainState::accept_new(const Block& block) {
  BMSG_TRY_ASSIGN(auto judged, judge_header({block.header, block.seal}));
  if (judged.outcome) return std::move(*judged.outcome);
  const BlockHash hash = chain::hash_of(block.header);
  const auto ids = chain::ids_of(block);
  BMSG_TRY_ASSIGN(auto violation, find_violation(block, ids, judged));
  if (violation) return outcome_of(Verdict::refused, std::move(violation));
  if (block.seal.size() < judged.rules->rules.endorse)
    return keep_proposal(block, hash, judged.parent);
  BMSG_TRY(note_endorsed(block, hash, judged.parent));

  const Work total = chain::sum(judged.parent.total_work, chain::work_of(chain_, block.header));
  std::optional<Block> light;
  if (store_.is_light()) {
    BMSG_TRY_ASSIGN(light, lightened(block, ids));
  }
  Block kept = light ? std::move(*light) : block;
  BMSG_TRY(check_unchanged(kept, hash, ids));
  return place({.block = std::move(kept), .hash = hash, .ids = ids, .total_work = total},
               judged.path);
}

Result<BlockOutcome> ChainState::place(ChainChange::Added added, const Path& path) {
  BMSG_TRY_ASSIGN(const auto tip, store_.tip());
  const BlockHash hash = added.hash;
  const Height height = added.block.header.height;
  const bool better = chain::is_better({added.total_work, hash}, {tip.work, tip.hash});
  bool allowed = better;
  if (better) {
    BMSG_TRY_ASSIGN(allowed, policy_allows(path, tip, hash, height));
  }
  ChainChange change;
  BMSG_TRY(drop_again(added, change));
  change.added.push_back(std::move(added));
  if (!allowed) {
    BMSG_TRY_ASSIGN(auto beside, keep_beside(std::move(change)));
    beside.stopped_by_policy = better;
    return beside;
  }
  Path whole = path;
  whole.side.push_back(hash);
  auto outcome = outcome_of(Verdict::accepted);
  BMSG_TRY_ASSIGN(auto reorg, connect(whole, tip, std::move(change)));
  if (reorg.depth > 0) outcome.reorg = std::move(reorg);
  return outcome;
}

// Its messages wait as if its branch had been the best chain and was taken off: whichever branch
// came first, the pool is the same.
Result<BlockOutcome> ChainState::keep_beside(ChainChange change) {
  const ChainChange::Added& added = change.added.front();
  BMSG_TRY_ASSIGN(const auto tip, store_.tip());
  BMSG_TRY_ASSIGN(const auto best, store_.header(tip.hash));
  if (!best) return lost("its tip");
  Ids carried;
  for (const MessageId& id : added.ids) {
    BMSG_TRY_ASSIGN(const bool there, is_in(id, Path{*best, {}}));
    if (there) carried.insert(id);
  }
  auto outcome = outcome_of(Verdict::accepted);
  BMSG_TRY(add_returned(added.block.messages, carried, change, outcome.pooled));
  const BlockHash hash = added.hash;
  BMSG_TRY(apply(std::move(change), hash));
  return outcome;
}

Result<Done> ChainState::add_tree(const Path& path, ChainChange& change) {
  BMSG_TRY_ASSIGN(auto peaks, peaks_after(path.fork));
  for (const BlockHash& hash : path.side) {
    const std::uint64_t leaf = peaks.size();
    const auto completed = peaks.add(chain::leaf_hash(hash.view()));
    for (std::uint8_t level = 0; level < completed.size(); ++level) {
      change.tree.push_back({level, leaf >> level, completed[level]});
    }
  }
  peaks_of_ = path.side.back();
  peaks_ = std::move(peaks);
  return done;
}

Result<std::uint64_t> ChainState::best_nonce(const MessageId& id, std::uint64_t nonce) const {
  BMSG_TRY_ASSIGN(const auto places, store_.places_of(id));
  for (const MessagePlace& place : places) {
    BMSG_TRY_ASSIGN(const auto message, store_.message_at(place));
    if (message && chain::stamp_value(id, message->nonce) < chain::stamp_value(id, nonce))
      nonce = message->nonce;
  }
  return nonce;
}

Result<Done> ChainState::add_returned(std::vector<Message> messages, const Ids& carried,
                                      ChainChange& change, std::vector<MessageId>& returned) const {
  for (Message& message : messages) {
    const MessageId id = chain::id_of(message.head);
    const bool expired = message.head.expiry() <= clock_.now().value;
    if (expired || !message.body || carried.contains(id)) continue;
    BMSG_TRY_ASSIGN(message.nonce, best_nonce(id, message.nonce));
    BMSG_TRY_ASSIGN(const auto pooled, store_.pooled(id));
    const bool worse = pooled && chain::stamp_value(id, pooled->message.nonce) <=
                                     chain::stamp_value(id, message.nonce);
    if (worse) continue;
    returned.push_back(id);
    const Origin origin = pooled ? pooled->origin : Origin::reorg;
    change.pool_add.push_back({id, std::move(message), clock_.now(), origin, 0});
  }
  return done;
}

Result<Done> ChainState::add_disconnected(const Path& path, const Tip& tip, ChainChange& change,
                                          Reorg& reorg) {
  const Ids carried(change.pool_remove.begin(), change.pool_remove.end());
  for (BlockHash at = tip.hash; at != path.fork.hash;) {
    BMSG_TRY_ASSIGN(auto block, store_.block(at, Bodies::with));
    if (!block) return lost("a block of its best chain");
    change.disconnect.push_back(at);
    at = block->header.previous;
    BMSG_TRY(add_returned(std::move(block->messages), carried, change, reorg.returned));
  }
  return done;
}

Result<Reorg> ChainState::connect(const Path& path, const Tip& tip, ChainChange change) {
  const BlockHash last = path.side.back();
  Reorg reorg{.from = tip.hash,
              .to = last,
              .depth = tip.height.value - path.fork.sealed.header.height.value,
              .returned = {}};
  change.connect = path.side;
  for (const ChainChange::Added& added : change.added) {
    change.pool_remove.insert(change.pool_remove.end(), added.ids.begin(), added.ids.end());
    add_wanted(added, change);
  }
  const Bodies bodies = store_.is_light() ? Bodies::with : Bodies::without;
  for (const BlockHash& hash : path.side) {
    if (!side_.contains(hash)) continue;  // The block that comes with the change.
    BMSG_TRY_ASSIGN(auto stored, store_.block(hash, bodies));
    if (!stored) return lost("a block of a side branch");
    BMSG_TRY(add_pooled_bodies(*stored, change));
    const auto ids = chain::ids_of(*stored);
    change.pool_remove.insert(change.pool_remove.end(), ids.begin(), ids.end());
    add_wanted({std::move(*stored), hash, ids, {}}, change);
  }
  BMSG_TRY(want_no_dropped(change));
  BMSG_TRY(add_disconnected(path, tip, change, reorg));
  BMSG_TRY(add_tree(path, change));
  BMSG_TRY(apply(std::move(change), last));
  return reorg;
}

/// Keeps the index of side blocks beside the change, and adds to the change what goes for it.
Result<Done> ChainState::index(ChainChange& change, const BlockHash& last) {
  BMSG_TRY(side_.load());
  for (const BlockHash& hash : change.connect) side_.remove(hash);
  for (const BlockHash& hash : change.disconnect) {
    BMSG_TRY_ASSIGN(const auto stored, store_.header(hash));
    if (!stored) return lost("a block of its best chain");
    side_.add(*stored);
  }
  for (const ChainChange::Added& added : change.added) {
    if (!change.connect.empty()) continue;
    side_.add({added.hash, {added.block.header, {}}, added.total_work, bytes_of(added.block)});
  }
  BMSG_TRY(end_proposals(change));
  BMSG_TRY_ASSIGN(change.forget, surplus(last));
  for (const BlockHash& hash : change.forget) side_.remove(hash);
  return add_unwanted(store_, change);
}

Result<Done> ChainState::apply(ChainChange change, const BlockHash& last) {
  const auto apply_all = [&]() -> Result<Done> {
    BMSG_TRY(index(change, last));
    BMSG_TRY(store_.apply(change));
    for (const StoredCharter& one : change.endorsed.charters) BMSG_TRY(rules_.add(one));
    return done;
  };
  const auto applied = apply_all();
  if (applied) return done;
  peaks_of_.reset();
  side_.forget_index();
  return applied.error();
}

Result<Reorg> ChainState::follow(const BlockHash& hash) {
  BMSG_TRY_ASSIGN(const auto wanted, store_.header(hash));
  if (!wanted) return Error{Errc::not_found, "no such block is kept"};
  BMSG_TRY_ASSIGN(const auto tip, store_.tip());
  if (!chain::is_better({wanted->total_work, hash}, {tip.work, tip.hash})) {
    return Error{Errc::bad_input, "that branch is not better than the one in force"};
  }
  BMSG_TRY_ASSIGN(const auto path, path_of(*wanted));
  beside_ = EndorsedChange();
  return connect(path, tip, ChainChange());
}

}  // namespace bmsg::node
