#include "lib/node/chain_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "lib/chain/block_hash.h"
#include "lib/chain/block_rules.h"
#include "lib/chain/fork_choice.h"
#include "lib/chain/header_rules.h"
#include "lib/chain/work.h"
#include "lib/core/codec.h"
#include "lib/core/try.h"

namespace bmsg::node {
namespace {

std::vector<MessageId> ids_of(const Block& block) {
  std::vector<MessageId> ids;
  ids.reserve(block.messages.size());
  for (const Message& message : block.messages) ids.push_back(chain::id_of(message.head));
  return ids;
}

Error lost(std::string_view what) {
  return Error{Errc::corrupt, fmt::format("the store lacks {}", what)};
}

}  // namespace

Result<ChainState::Path> ChainState::path_of(const StoredHeader& block) const {
  Path path{block, {}};
  while (path.fork.branch == Branch::side) {
    path.side.push_back(path.fork.hash);
    BMSG_TRY_ASSIGN(auto parent, store_.header(path.fork.sealed.header.previous));
    if (!parent) return lost("the parent of a stored block");
    path.fork = std::move(*parent);
  }
  std::ranges::reverse(path.side);
  return path;
}

Result<chain::MerklePeaks> ChainState::peaks_after(const StoredHeader& block) {
  if (peaks_of_ == block.hash) return peaks_;
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

std::optional<chain::Violation> ChainState::find_missing_body(const Block& block) const {
  for (const Message& message : block.messages) {
    const bool expired = message.head.expiry() <= clock_.now().value;
    if (!message.body && !expired)
      return chain::Violation{chain::Rule::body, "absent, though not expired"};
  }
  return std::nullopt;
}

Result<std::optional<chain::Violation>> ChainState::find_violation(
    const Block& block, const std::vector<MessageId>& ids, const StoredHeader& parent,
    const Path& path) {
  BMSG_TRY_ASSIGN(const auto peaks, peaks_after(parent));
  const chain::HeaderContext context{chain_, parent.sealed.header, parent.hash, peaks.root()};
  if (auto violation = chain::find_violation(SealedHeader{block.header, block.seal}, context))
    return violation;
  std::optional<Error> failed;
  auto violation = chain::find_violation(block, ids, chain_, [&](const MessageId& id) {
    auto there = is_in(id, path);
    if (!there) failed = there.error();
    return there && there.value();
  });
  if (failed) return *failed;
  if (!violation) violation = find_missing_body(block);
  return violation;
}

Result<BlockOutcome> ChainState::accept(const Block& block) {
  const BlockHash hash = chain::hash_of(block.header);
  BMSG_TRY_ASSIGN(const auto known, store_.header(hash));
  if (known) return BlockOutcome{.verdict = Verdict::known, .violation = {}, .reorg = {}};
  BMSG_TRY_ASSIGN(const auto parent, store_.header(block.header.previous));
  if (!parent) return BlockOutcome{.verdict = Verdict::orphan, .violation = {}, .reorg = {}};
  // Held, not refused: our own clock may be the slow one.
  const std::uint64_t ahead =
      clock_.now().value + static_cast<std::uint64_t>(kTimeAheadMax.count());
  if (block.header.time.value > ahead)
    return BlockOutcome{.verdict = Verdict::held, .violation = {}, .reorg = {}};

  const auto ids = ids_of(block);
  BMSG_TRY_ASSIGN(const auto path, path_of(*parent));
  BMSG_TRY_ASSIGN(auto violation, find_violation(block, ids, *parent, path));
  if (violation)
    return BlockOutcome{
        .verdict = Verdict::refused, .violation = std::move(violation), .reorg = {}};

  const Work total = chain::sum(parent->total_work, chain::work_of(chain_, block.header));
  // What is stored is what was judged: a bit that flipped in memory meanwhile is caught here.
  auto again = decode_block(encode(block));
  if (!again || chain::hash_of(again.value().header) != hash || ids_of(again.value()) != ids) {
    return Error{Errc::corrupt, "a block changed in memory between checking and storing"};
  }
  return place({std::move(again).value(), hash, ids, total}, path);
}

Result<bool> ChainState::policy_allows(const Path& path, const Tip& tip, const BlockHash& hash,
                                       Height height) const {
  BMSG_TRY_ASSIGN(const auto checkpoints, store_.checkpoints());
  const std::uint32_t fork = path.fork.sealed.header.height.value;
  for (const Checkpoint& checkpoint : checkpoints) {
    if (checkpoint.height.value <= fork || checkpoint.height > height) continue;
    const std::size_t at = checkpoint.height.value - fork - 1;
    const BlockHash& there = at < path.side.size() ? path.side[at] : hash;
    if (there != checkpoint.hash) return false;
  }
  const std::uint32_t depth = tip.height.value - fork;
  if (depth <= policy_.depth_max) return true;
  BMSG_TRY_ASSIGN(const auto first, store_.headers(Height{fork + 1}, 1));
  if (first.empty()) return lost("a block of its best chain");
  return tip.time.value - std::min(tip.time.value, first.front().sealed.header.time.value) <=
         policy_.seconds_max;
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
  BlockOutcome outcome{.verdict = Verdict::accepted,
                       .violation = {},
                       .reorg = {},
                       .stopped_by_policy = better && !allowed};
  const Block block = added.block;
  ChainChange change;
  change.added.push_back(std::move(added));
  if (!allowed) {
    BMSG_TRY(store_.apply(change));
    return outcome;
  }
  Path whole = path;
  whole.side.push_back(hash);
  BMSG_TRY_ASSIGN(auto reorg, connect(whole, tip, std::move(change), &block));
  if (reorg.depth > 0) outcome.reorg = std::move(reorg);
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

Result<Done> ChainState::add_disconnected(const Path& path, const Tip& tip, ChainChange& change,
                                          Reorg& reorg) {
  const std::unordered_set<MessageId, FixedBytesHash> carried(change.pool_remove.begin(),
                                                              change.pool_remove.end());
  for (BlockHash at = tip.hash; at != path.fork.hash;) {
    BMSG_TRY_ASSIGN(auto block, store_.block(at, Bodies::with));
    if (!block) return lost("a block of its best chain");
    change.disconnect.push_back(at);
    for (Message& message : block->messages) {
      const MessageId id = chain::id_of(message.head);
      const bool expired = message.head.expiry() <= clock_.now().value;
      if (expired || !message.body || carried.contains(id)) continue;
      reorg.returned.push_back(id);
      change.pool_add.push_back({id, std::move(message), clock_.now(), Origin::reorg, 0});
    }
    at = block->header.previous;
  }
  return done;
}

Result<Reorg> ChainState::connect(const Path& path, const Tip& tip, ChainChange change,
                                  const Block* added) {
  Reorg reorg{.from = tip.hash,
              .to = path.side.back(),
              .depth = tip.height.value - path.fork.sealed.header.height.value,
              .returned = {}};
  change.connect = path.side;
  for (const BlockHash& hash : path.side) {
    const bool is_new = added != nullptr && hash == path.side.back();
    std::optional<Block> stored;
    if (!is_new) {
      BMSG_TRY_ASSIGN(stored, store_.block(hash, Bodies::without));
      if (!stored) return lost("a block of a side branch");
    }
    for (const MessageId& id : ids_of(is_new ? *added : *stored)) change.pool_remove.push_back(id);
  }
  BMSG_TRY(add_disconnected(path, tip, change, reorg));
  BMSG_TRY(add_tree(path, change));
  const auto applied = store_.apply(change);
  if (!applied) {
    peaks_of_.reset();
    return applied.error();
  }
  return reorg;
}

Result<Reorg> ChainState::follow(const BlockHash& hash) {
  BMSG_TRY_ASSIGN(const auto wanted, store_.header(hash));
  if (!wanted) return Error{Errc::not_found, "no such block is kept"};
  BMSG_TRY_ASSIGN(const auto tip, store_.tip());
  if (!chain::is_better({wanted->total_work, hash}, {tip.work, tip.hash})) {
    return Error{Errc::bad_input, "that branch is not better than the one in force"};
  }
  BMSG_TRY_ASSIGN(const auto path, path_of(*wanted));
  return connect(path, tip, ChainChange(), nullptr);
}

}  // namespace bmsg::node
