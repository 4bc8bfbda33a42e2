// ChainState: blocks that do nothing but extend the best chain, as nearly all do. They are judged
// one after the other, hashed together and kept by one change of the store. Whatever is not as
// simple is left to accept(), which says why.

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/chain/block_rules.h"
#include "lib/chain/header_rules.h"
#include "lib/chain/work.h"
#include "lib/core/thread.h"
#include "lib/core/try.h"
#include "lib/node/chain_state.h"

namespace bmsg::node {
namespace {

constexpr std::size_t kBlocksInPart = 4;  // Enough messages to be hashed side by side.
constexpr unsigned kThreadsMax = 4;
/// To start a thread takes as long as to hash some ten KiB.
constexpr std::uint64_t kBytesForThreads = 256u << 10;

std::uint64_t bytes_of(std::span<const Block> blocks) {
  std::uint64_t bytes = 0;
  for (const Block& block : blocks) {
    for (const Message& message : block.messages) bytes += message.head.encoded_bytes();
  }
  return bytes;
}

unsigned threads_for(std::span<const Block> blocks) {
  return bytes_of(blocks) < kBytesForThreads ? 1 : std::min(cores(), kThreadsMax);
}

/// Some blocks at a time.
void in_parts(std::size_t count, unsigned threads,
              const std::function<void(std::size_t first, std::size_t count)>& work) {
  share_out((count + kBlocksInPart - 1) / kBlocksInPart, threads, [&](std::size_t part) {
    const std::size_t first = part * kBlocksInPart;
    work(first, std::min(kBlocksInPart, count - first));
  });
}

std::vector<chain::BlockDigests> digests_of(std::span<const Block> blocks, unsigned threads) {
  if (threads == 1) return chain::digests_of(blocks);
  std::vector<chain::BlockDigests> all(blocks.size());
  in_parts(blocks.size(), threads, [&](std::size_t first, std::size_t count) {
    std::ranges::move(chain::digests_of(blocks.subspan(first, count)),
                      all.begin() + static_cast<std::ptrdiff_t>(first));
  });
  return all;
}

/// Puts the blocks where they are kept from, and looks whether they got there whole.
Result<Done> copy_whole(std::span<const Block> blocks, std::span<ChainChange::Added> added,
                        unsigned threads) {
  // By one thread, since each gives memory back only to itself.
  for (std::size_t i = 0; i < added.size(); ++i) added[i].block = blocks[i];
  std::vector<Result<Done>> found(added.size(), done);
  in_parts(added.size(), threads, [&](std::size_t first, std::size_t count) {
    for (std::size_t at = first; at < first + count; ++at)
      found[at] = check_unchanged(added[at].block, added[at].hash, added[at].ids);
  });
  for (const auto& one : found) BMSG_TRY(one);
  return done;
}

}  // namespace

Result<Done> check_unchanged(const Block& block, const BlockHash& hash,
                             const std::vector<MessageId>& ids) {
  const chain::BlockDigests digests = chain::digests_of({&block, 1}).front();
  bool is_whole = chain::hash_of(block.header) == hash && digests.ids == ids &&
                  block.header.root == digests.root;
  for (std::size_t i = 0; is_whole && i < ids.size(); ++i) {
    const Message& message = block.messages[i];
    is_whole = !message.body || (message.body->size() == message.head.body_bytes &&
                                 digests.bodies[i] == message.head.body_hash);
  }
  if (is_whole) return done;
  return Error{Errc::corrupt, "a block changed in memory between checking and storing"};
}

Result<BlockOutcome> ChainState::accept(const Block& block) {
  BMSG_TRY_ASSIGN(auto outcomes, accept_all({&block, 1}));
  return std::move(outcomes.front());
}

Result<std::vector<BlockOutcome>> ChainState::accept_all(std::span<const Block> blocks) {
  std::vector<BlockOutcome> outcomes;
  extended_.assign(blocks.size(), std::nullopt);
  while (outcomes.size() < blocks.size()) {
    BMSG_TRY_ASSIGN(const std::size_t kept,
                    extend(blocks.subspan(outcomes.size()), outcomes.size()));
    outcomes.insert(outcomes.end(), kept, BlockOutcome());
    if (outcomes.size() == blocks.size()) break;
    BMSG_TRY_ASSIGN(auto outcome, accept_apart(blocks[outcomes.size()]));
    outcomes.push_back(std::move(outcome));
    const Verdict verdict = outcomes.back().verdict;
    if (verdict != Verdict::accepted && verdict != Verdict::known) break;
    if (outcomes.back().is_proposal) break;  // None can stand on it.
  }
  return outcomes;
}

const std::vector<MessageId>* ChainState::extended_by(std::size_t at) const {
  return at < extended_.size() && extended_[at] ? &*extended_[at] : nullptr;
}

/// How many of the first were kept. They come from `at` on in what accept_all() was given.
Result<std::size_t> ChainState::extend(std::span<const Block> blocks, std::size_t at) {
  // Where blocks are proposals first, or bodies stay away from them, each is its own case.
  if (is_endorsed() || store_.is_light() || !remembered_.empty()) return std::size_t{0};
  Row row;
  BMSG_TRY_ASSIGN(row.tip, store_.tip());
  if (blocks.front().header.previous != row.tip.hash) return std::size_t{0};
  BMSG_TRY_ASSIGN(auto best, store_.header(row.tip.hash));
  if (!best) return Error{Errc::corrupt, "the store lacks its tip"};
  row.best = std::move(*best);
  BMSG_TRY_ASSIGN(const auto hashes, following(blocks, row.best));
  const unsigned threads = threads_for(blocks.first(hashes.size()));
  auto digests = digests_of(blocks.first(hashes.size()), threads);
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    row.hashes.push_back(hashes[i]);
    BMSG_TRY_ASSIGN(const bool fits, add_to(row, blocks[i], digests[i]));
    if (fits) continue;
    row.hashes.pop_back();
    break;
  }
  if (row.hashes.empty()) return std::size_t{0};
  BMSG_TRY(copy_whole(blocks, row.change.added, threads));
  const Path below{row.best, {row.hashes.begin(), row.hashes.end() - 1}};
  const Height top = row.change.added.back().block.header.height;
  BMSG_TRY_ASSIGN(const bool allowed, policy_allows(below, row.tip, row.hashes.back(), top));
  if (!allowed) return std::size_t{0};
  beside_ = EndorsedChange();
  BMSG_TRY(connect({row.best, row.hashes}, row.tip, std::move(row.change)));
  for (std::size_t i = 0; i < row.hashes.size(); ++i) extended_[at + i] = std::move(digests[i].ids);
  return row.hashes.size();
}

/// The hashes of the first of them whose headers keep the rules, each after the one before.
Result<std::vector<BlockHash>> ChainState::following(std::span<const Block> blocks,
                                                     const StoredHeader& best) {
  BMSG_TRY(side_.load());
  BMSG_TRY_ASSIGN(auto peaks, peaks_after(best));
  const std::uint64_t latest =
      clock_.now().value + static_cast<std::uint64_t>(kTimeAheadMax.count());
  std::vector<BlockHash> hashes;
  Header parent = best.sealed.header;
  BlockHash parent_hash = best.hash;
  for (const Block& block : blocks) {
    const BlockHash hash = chain::hash_of(block.header);
    if (block.header.previous != parent_hash || side_.contains(hash)) break;
    if (block.header.time.value > latest) break;
    const chain::HeaderContext context{chain_, parent, parent_hash, peaks.root(), {}, hash};
    if (chain::find_violation({block.header, block.seal}, context)) break;
    (void)peaks.add(chain::leaf_hash(hash.view()));  // Only the peaks count.
    parent = block.header;
    parent_hash = hash;
    hashes.push_back(hash);
  }
  return hashes;
}

/// The block whose hash is the row's last, but for its copy. False: it is not as simple as that.
Result<bool> ChainState::add_to(Row& row, const Block& block, const chain::BlockDigests& digests) {
  const auto is_here = [&](const MessageId& id) { return row.ids.contains(id); };
  if (chain::find_violation(block, digests, chain_, is_here)) return false;
  if (find_missing_body(block, digests.ids)) return false;
  BMSG_TRY_ASSIGN(const bool may_be_old, store_.may_hold_any(digests.ids));
  if (may_be_old) return false;
  const Work before =
      row.change.added.empty() ? row.best.total_work : row.change.added.back().total_work;
  row.change.added.push_back(
      {.block = {},
       .hash = row.hashes.back(),
       .ids = digests.ids,
       .total_work = chain::sum(before, chain::work_of(chain_, block.header)),
       .are_new = true});
  row.ids.insert(digests.ids.begin(), digests.ids.end());
  return true;
}

}  // namespace bmsg::node
