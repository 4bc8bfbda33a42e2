#include "lib/node/block_sync.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "lib/chain/block_hash.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"

namespace bmsg::node {
namespace {

/// Whether the bytes are not those that the header stands for: the sender's doing, not the chain's.
bool blames_sender(const Block& block, const chain::Violation& violation) {
  if (violation.rule == chain::Rule::body || violation.rule == chain::Rule::seal) return true;
  return block.header.count != block.messages.size() ||
         chain::message_root(block) != block.header.root;
}

Error refusal(const Block& block, const BlockOutcome& outcome) {
  if (!outcome.violation) return Error{Errc::protocol, "a block that our node refuses"};
  const chain::Violation& violation = *outcome.violation;
  if (lacks_bodies(block, violation)) {
    return Error{Errc::try_again,
                 fmt::format("it has dropped messages of block {} that have not expired",
                             block.header.height.value),
                 "another peer may have them; once they have expired they are not needed"};
  }
  return Error{blames_sender(block, violation) ? Errc::protocol : Errc::bad_input,
               fmt::format("block {} breaks the rule {}: {}", block.header.height.value,
                           chain::name_of(violation.rule), violation.detail)};
}

void keep_deepest(std::optional<Reorg>& kept, std::optional<Reorg> found) {
  if (found && (!kept || kept->depth < found->depth)) kept = std::move(found);
}

std::size_t bytes_of(const Block& block) {
  std::size_t bytes = 0;
  for (const Message& message : block.messages) {
    bytes += message.head.head_bytes() + kNonceBytes;
    if (message.body) bytes += message.body->size();
  }
  return bytes;
}

/// Gives heads the bodies of the same messages.
void fill(std::vector<Block>& blocks, const std::vector<Message>& found) {
  std::unordered_map<MessageId, const Message*, FixedBytesHash> bodies;
  for (const Message& message : found) bodies.emplace(chain::id_of(message.head), &message);
  for (Block& block : blocks) {
    for (Message& message : block.messages) {
      if (message.body) continue;
      const auto with_body = bodies.find(chain::id_of(message.head));
      if (with_body != bodies.end()) message.body = with_body->second->body;
    }
  }
}

}  // namespace

bool lacks_bodies(const Block& block, const chain::Violation& violation) {
  const auto is_good = [](const Message& message) {
    return !message.body || chain::body_hash_of(*message.body) == message.head.body_hash;
  };
  return violation.rule == chain::Rule::body && std::ranges::all_of(block.messages, is_good) &&
         chain::message_root(block) == block.header.root;
}

std::vector<ShortId> bodies_missing(const std::vector<Block>& blocks) {
  std::vector<ShortId> missing;
  for (const Block& block : blocks) {
    for (const Message& message : block.messages) {
      if (!message.body) missing.push_back(prefix_of<ShortId>(chain::id_of(message.head)));
    }
  }
  return missing;
}

BlockPull::BlockPull(Service& local, Transport& peer, BlockQueue& queue, StagedChain chain,
                     SyncReport& report)
    : local_(local), peer_(peer), queue_(queue), chain_(std::move(chain)), report_(report) {}

Height BlockPull::height_of(std::size_t at) const {
  return Height{static_cast<std::uint32_t>(chain_.fork.value + 1 + at)};
}

Result<bool> BlockPull::step() {
  if (!begun_) BMSG_TRY(begin());
  BMSG_TRY_ASSIGN(const bool more, store_arrived());
  if (!more || next_ == chain_.hashes.size()) return false;
  if (const auto forgotten = queue_.forgotten(); forgotten != forgotten_) {
    forgotten_ = forgotten;
    BMSG_TRY(skip_known());
    if (next_ == chain_.hashes.size()) return false;
  }
  if (by_hash_) return fetch_by_hash();
  BMSG_TRY_ASSIGN(const bool has_fetched, fetch());
  if (!has_fetched) {
    queue_.wait();
    return true;
  }
  BMSG_TRY_ASSIGN(const bool goes_on, store_arrived());
  return goes_on && next_ < chain_.hashes.size();
}

Result<Done> BlockPull::begin() {
  begun_ = true;
  BMSG_TRY_ASSIGN(const auto mine, local_.info());
  if (mine.light) bodies_ = Bodies::without;
  BMSG_TRY(skip_known());
  const bool are_few = chain_.hashes.size() - next_ <= kBlocksByHeadsMax;
  by_heads_ = are_few && !mine.light && mine.pool_messages > 0 && peer_.is_live();
  return done;
}

/// A block is never stored without its parent, so those that are here come first.
Result<Done> BlockPull::skip_known() {
  std::size_t end = chain_.hashes.size();
  while (next_ < end) {
    const std::size_t middle = next_ + (end - next_) / 2;
    BMSG_TRY_ASSIGN(const auto block, local_.block(chain_.hashes[middle], Bodies::without));
    if (block) {
      next_ = middle + 1;
    } else {
      end = middle;
    }
  }
  return done;
}

/// Those whose turn has come, whoever fetched them; false if the next is held.
Result<bool> BlockPull::store_arrived() {
  if (const auto error = queue_.blamed(this)) return *error;
  // While an answer is on its way not all that others bring: it would wait for its turn.
  const std::size_t stop = expected_ ? next_ + kBlocksPerRequest : chain_.hashes.size();
  while (next_ < std::min(stop, chain_.hashes.size())) {
    const BlockHash& hash = chain_.hashes[next_];
    if (queue_.is_stored(hash)) {
      ++next_;
      continue;
    }
    std::vector<Block> blocks;
    std::vector<BlockQueue::Session> givers;
    if (!take_row(blocks, givers)) return true;
    BMSG_TRY_ASSIGN(const bool more, submit(std::move(blocks), std::move(givers)));
    if (!more) return false;
  }
  return true;
}

/// Those that come next, as many as are stored together. False: the next is not there.
bool BlockPull::take_row(std::vector<Block>& blocks, std::vector<BlockQueue::Session>& givers) {
  std::size_t bytes = 0;
  for (std::size_t at = next_; at < chain_.hashes.size() && bytes < kRowBytesMax; ++at) {
    if (blocks.size() == kBlocksPerRequest || queue_.is_stored(chain_.hashes[at])) break;
    auto arrived = queue_.take(chain_.hashes[at]);
    if (!arrived) break;
    bytes += bytes_of(arrived->block);
    blocks.push_back(std::move(arrived->block));
    givers.push_back(arrived->from);
  }
  return !blocks.empty();
}

/// Mirrors hold whole ranges.
std::size_t BlockPull::blocks_at_once() const {
  std::size_t most = kBlocksPerRequest;
  if (fetched_ == 0 || !peer_.is_live()) return most;
  while (most > 1 && most * (fetched_bytes_ / fetched_) > kAnswerBytesMax) most /= 2;
  return most;
}

/// One request, if there is anything that nobody else fetches.
Result<bool> BlockPull::fetch() {
  auto order = std::exchange(expected_, std::nullopt);
  if (!order) {
    order = queue_.claim(this, chain_, next_, blocks_at_once());
    if (!order) return false;
    queue_.begin_request(this, chain_, *order, [this] { peer_.drop_request(); });
  }
  auto blocks = by_heads_ ? fetch_by_heads(*order)
                          : peer_.blocks(height_of(order->begin),
                                         static_cast<std::uint32_t>(order->count), bodies_);
  const bool was_dropped = queue_.end_request(this, bool(blocks));
  if (!blocks) {
    queue_.leave(this);
    if (was_dropped) return true;  // Others gave all of it meanwhile.
    return blocks.error();
  }
  bool fits = !blocks.value().empty() && blocks.value().size() <= order->count;
  for (std::size_t i = 0; fits && i < blocks.value().size(); ++i)
    fits = chain::hash_of(blocks.value()[i].header) == chain_.hashes[order->begin + i];
  if (!fits) {
    by_hash_ = true;
    queue_.leave(this);
    return true;
  }
  fetched_ += blocks.value().size();
  for (const Block& block : blocks.value()) fetched_bytes_ += bytes_of(block);
  queue_.deliver(this, std::move(blocks).value());
  expect_more();
  return true;
}

/// The same as whole blocks, from heads, our pool and the messages that it lacks.
Result<std::vector<Block>> BlockPull::fetch_by_heads(const BlockQueue::Order& order) {
  const Height from = height_of(order.begin);
  const auto count = static_cast<std::uint32_t>(order.count);
  BMSG_TRY_ASSIGN(auto blocks, peer_.blocks(from, count, Bodies::without));
  std::size_t messages = 0;
  for (const Block& block : blocks) messages += block.messages.size();
  BMSG_TRY_ASSIGN(std::size_t missing, fill_from_here(blocks));
  const bool are_few = missing <= std::min<std::size_t>(messages / 2, kShortIdsPerRequest);
  if (missing > 0 && are_few) {
    BMSG_TRY(fill_from_peer(blocks));
    missing = bodies_missing(blocks).size();
  }
  if (missing > 0) return peer_.blocks(from, count, Bodies::with);
  return blocks;
}

/// Returns how many bodies are not here.
Result<std::size_t> BlockPull::fill_from_here(std::vector<Block>& blocks) {
  const std::vector<ShortId> wanted = bodies_missing(blocks);
  for (std::size_t at = 0; at < wanted.size(); at += kShortIdsPerRequest) {
    const std::size_t end = std::min(wanted.size(), at + kShortIdsPerRequest);
    const std::vector<ShortId> some(wanted.begin() + static_cast<std::ptrdiff_t>(at),
                                    wanted.begin() + static_cast<std::ptrdiff_t>(end));
    BMSG_TRY_ASSIGN(const auto found, local_.messages(some));
    fill(blocks, found);
  }
  return bodies_missing(blocks).size();
}

Result<Done> BlockPull::fill_from_peer(std::vector<Block>& blocks) {
  BMSG_TRY_ASSIGN(const auto found, peer_.messages(bodies_missing(blocks)));
  fill(blocks, found);
  return done;
}

/// The next request goes out before what came is checked.
void BlockPull::expect_more() {
  if (by_heads_) return;
  const auto order = queue_.claim(this, chain_, next_, blocks_at_once());
  if (!order) return;
  queue_.begin_request(this, chain_, *order, [this] { peer_.drop_request(); });
  if (peer_.expect_blocks(height_of(order->begin), static_cast<std::uint32_t>(order->count),
                          bodies_)) {
    expected_ = order;
  } else {
    queue_.leave(this);
  }
}

Result<bool> BlockPull::fetch_by_hash() {
  const BlockHash& wanted = chain_.hashes[next_];
  BMSG_TRY_ASSIGN(auto block, peer_.block(wanted, bodies_));
  if (!block || chain::hash_of(block->header) != wanted) {
    // Who left this branch meanwhile may have had no room to keep it.
    BMSG_TRY_ASSIGN(const auto now, peer_.info());
    if (!block && now.tip != report_.peer.tip)
      return Error{Errc::try_again, "its chain changed while it was read"};
    return Error{Errc::protocol, fmt::format("it withholds block {}", height_of(next_).value)};
  }
  if (queue_.is_stored(wanted)) return true;
  std::vector<Block> row;
  row.push_back(std::move(*block));
  BMSG_TRY_ASSIGN(const bool more, submit(std::move(row), {this}));
  return more && next_ < chain_.hashes.size();
}

Result<bool> BlockPull::submit(std::vector<Block> blocks, std::vector<BlockQueue::Session> givers) {
  BMSG_TRY_ASSIGN(auto outcomes, local_.submit_blocks(blocks));
  // What comes behind one that is not taken waits as before.
  std::vector<BlockQueue::Arrived> behind;
  for (std::size_t i = outcomes.size(); i < blocks.size(); ++i)
    behind.push_back({std::move(blocks[i]), givers[i]});
  if (!behind.empty()) queue_.put_back(std::move(behind));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    BMSG_TRY_ASSIGN(const bool more, note_outcome(blocks[i], givers[i], std::move(outcomes[i])));
    if (!more) return false;
  }
  return true;
}

Result<bool> BlockPull::note_outcome(const Block& block, BlockQueue::Session giver,
                                     BlockOutcome outcome) {
  if (outcome.verdict == Verdict::refused) {
    const Error error = refusal(block, outcome);
    const bool is_its_doing = error.code == Errc::protocol || error.code == Errc::try_again;
    const bool is_foreign = giver != this && is_its_doing;
    // All that its peer gave goes with it, and the block itself is fetched anew.
    if (is_its_doing) queue_.blame(giver, error);
    queue_.note_refused(chain::hash_of(block.header));
    if (!is_foreign) return error;
    return true;  // Somebody else's peer; ours may have it whole.
  }
  if (outcome.verdict == Verdict::orphan)
    return Error{Errc::try_again, "a block's parent was dropped meanwhile"};
  if (outcome.verdict == Verdict::held) {
    report_.held = true;
    return false;
  }
  ++next_;
  queue_.note_stored(chain::hash_of(block.header));
  if (outcome.verdict == Verdict::accepted) ++report_.pulled_blocks;
  if (outcome.stopped_by_policy) report_.stopped_by_policy = true;
  keep_deepest(report_.reorg, std::move(outcome.reorg));
  // The branch goes on behind the block that made it the best.
  if (report_.reorg && !report_.stopped_by_policy) report_.reorg->to = chain::hash_of(block.header);
  return true;
}

}  // namespace bmsg::node
