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

constexpr std::size_t kPackBytesWanted = 4u << 20;
constexpr std::size_t kRuleNameBytesMax = 16;

/// Whether the bytes are not those that the header stands for: the sender's doing, not the chain's.
bool blames_sender(const Block& block, const chain::Violation& violation) {
  if (violation.rule == chain::Rule::body || violation.rule == chain::Rule::seal) return true;
  return block.header.count != block.messages.size() ||
         chain::message_root(block) != block.header.root;
}

Error refusal(const Block& block, const BlockOutcome& outcome) {
  if (!outcome.violation) return Error{Errc::protocol, "a block that our node refuses"};
  const chain::Violation& violation = *outcome.violation;
  return Error{blames_sender(block, violation) ? Errc::protocol : Errc::bad_input,
               fmt::format("block {} breaks the rule {}: {}", block.header.height.value,
                           chain::name_of(violation.rule), violation.detail)};
}

void keep_deepest(std::optional<Reorg>& kept, std::optional<Reorg> found) {
  if (found && (!kept || kept->depth < found->depth)) kept = std::move(found);
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

/// The name of a rule as a stranger spells it.
std::string printable(const std::string& rule) {
  std::string name;
  for (const char c : rule.substr(0, kRuleNameBytesMax)) {
    if (c >= 'a' && c <= 'z') name += c;
  }
  return name.empty() ? "unknown" : name;
}

}  // namespace

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
    const auto arrived = queue_.take(hash);
    if (!arrived) return true;
    BMSG_TRY_ASSIGN(const bool more, submit(*arrived));
    if (!more) return false;
  }
  return true;
}

/// One request, if there is anything that nobody else fetches.
Result<bool> BlockPull::fetch() {
  auto order = std::exchange(expected_, std::nullopt);
  if (!order) {
    order = queue_.claim(this, chain_, next_);
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
  const auto order = queue_.claim(this, chain_, next_);
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
  BMSG_TRY_ASSIGN(const bool more, submit({std::move(*block), this}));
  return more && next_ < chain_.hashes.size();
}

Result<bool> BlockPull::submit(const BlockQueue::Arrived& arrived) {
  const Block& block = arrived.block;
  BMSG_TRY_ASSIGN(auto outcome, local_.submit_block(block));
  if (outcome.verdict == Verdict::refused) {
    const Error error = refusal(block, outcome);
    const bool is_foreign = arrived.from != this && error.code == Errc::protocol;
    // All that its peer gave goes with it, and the block itself is fetched anew.
    if (error.code == Errc::protocol) queue_.blame(arrived.from, error);
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

BlockPush::BlockPush(Service& local, Transport& peer, const Tip& mine, const Tip& theirs,
                     SyncReport& report)
    : local_(local),
      peer_(peer),
      mine_(mine),
      theirs_(theirs),
      report_(report),
      finder_(local, peer, mine, theirs) {}

Result<bool> BlockPush::step() {
  if (!next_) return find_fork();
  if (*next_ > mine_.height) return false;
  const std::uint32_t left = mine_.height.value - next_->value + 1;
  // A light peer wants no bodies, and has no pool to build a block from.
  const bool is_light = report_.peer.light;
  full_ = full_ || is_light;
  BMSG_TRY_ASSIGN(const auto blocks, local_.blocks(*next_, std::min(left, kBlocksPerRequest),
                                                   is_light ? Bodies::without : Bodies::with));
  if (blocks.empty()) return Error{Errc::try_again, "our chain changed while it was given"};
  if (!needed_.empty()) return put_needed(blocks.front());
  return full_ ? put_full(blocks) : put_compact(blocks);
}

Result<bool> BlockPush::find_fork() {
  if (!compared_ && theirs_.height <= mine_.height) {
    compared_ = true;
    BMSG_TRY_ASSIGN(const auto there, local_.headers(theirs_.height, 1));
    if (!there.empty() && chain::hash_of(there.front().header) == theirs_.hash) {
      next_ = Height{theirs_.height.value + 1};
      return true;
    }
  }
  BMSG_TRY_ASSIGN(const auto fork, finder_.step());
  if (fork) next_ = Height{fork->height.value + 1};
  return true;
}

Result<std::vector<PutLine>> BlockPush::put(const Bytes& pack, std::size_t frames) {
  BMSG_TRY_ASSIGN(auto lines, peer_.put(pack));
  if (lines.size() != frames) {
    return Error{Errc::protocol, fmt::format("{} lines answer {} frames", lines.size(), frames)};
  }
  return lines;
}

std::optional<PutLine> BlockPush::count_taken(const std::vector<PutLine>& lines) {
  for (const PutLine& line : lines) {
    const bool there = line.verdict == Verdict::accepted || line.verdict == Verdict::known;
    if (!there || !line.need.empty()) return line;
    if (line.verdict == Verdict::accepted) ++report_.pushed_blocks;
    ++next_->value;
  }
  return std::nullopt;
}

/// Nothing of the last pack was taken and nothing smaller can be tried.
Result<bool> BlockPush::give_up(const PutLine& line) const {
  if (line.verdict == Verdict::held) return false;
  if (line.verdict == Verdict::orphan)
    return Error{Errc::try_again, "the peer lacks the parent of a block that we gave"};
  return Error{Errc::protocol,
               fmt::format("it refuses our block {}: {}", next_->value, printable(line.rule))};
}

Result<bool> BlockPush::put_compact(const std::vector<Block>& blocks) {
  Bytes pack = chain::begin_pack();
  std::size_t frames = 0;
  for (const Block& block : blocks) {
    const Bytes compact = chain::encode(chain::compact_of(block));
    if (frames > 0 && pack.size() + compact.size() > kPackBytesWanted) break;
    chain::append_frame(pack, chain::FrameType::compact, compact);
    ++frames;
  }
  BMSG_TRY_ASSIGN(const auto lines, put(pack, frames));
  const Height before = *next_;
  const auto refused = count_taken(lines);
  if (!refused) return true;
  const std::size_t taken = next_->value - before.value;
  needed_ = refused->need;
  // Refused without a need: two messages may begin with the same 8 bytes. The whole block tells.
  full_ = needed_.size() > blocks[taken].messages.size() / 2 ||
          (needed_.empty() && refused->verdict == Verdict::refused && taken == 0);
  if (full_) needed_.clear();
  if (full_ || !needed_.empty() || taken > 0) return true;
  return give_up(*refused);
}

Result<bool> BlockPush::put_needed(const Block& block) {
  const std::unordered_set<ShortId, FixedBytesHash> needed(needed_.begin(), needed_.end());
  needed_.clear();
  Bytes pack = chain::begin_pack();
  std::size_t frames = 1;
  for (const Message& message : block.messages) {
    const bool wanted = needed.contains(prefix_of<ShortId>(chain::id_of(message.head)));
    if (!wanted || !message.body) continue;
    chain::append_frame(pack, chain::FrameType::message, encode(message));
    ++frames;
  }
  chain::append_frame(pack, chain::FrameType::compact, chain::encode(chain::compact_of(block)));
  BMSG_TRY_ASSIGN(const auto lines, put(pack, frames));
  if (count_taken({lines.back()}))
    full_ = true;  // Its pool has no room, say: the whole block then.
  return true;
}

Result<bool> BlockPush::put_full(const std::vector<Block>& blocks) {
  Bytes pack = chain::begin_pack();
  std::size_t frames = 0;
  for (const Block& block : blocks) {
    const Bytes whole = encode(block);
    if (frames > 0 && pack.size() + whole.size() > kPackBytesWanted) break;
    chain::append_frame(pack, chain::FrameType::block, whole);
    ++frames;
  }
  BMSG_TRY_ASSIGN(const auto lines, put(pack, frames));
  const Height before = *next_;
  const auto refused = count_taken(lines);
  if (refused && *next_ == before) return give_up(*refused);
  return true;
}

}  // namespace bmsg::node
