#include "lib/node/block_push.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "lib/chain/block_hash.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "lib/node/block_sync.h"

namespace bmsg::node {
namespace {

constexpr std::size_t kPackBytesWanted = 4u << 20;
constexpr std::size_t kRuleNameBytesMax = 16;

/// The name of a rule as a stranger spells it.
std::string printable(const std::string& rule) {
  std::string name;
  for (const char c : rule.substr(0, kRuleNameBytesMax)) {
    if (c >= 'a' && c <= 'z') name += c;
  }
  return name.empty() ? "unknown" : name;
}

}  // namespace

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
  if (line.rule == chain::name_of(chain::Rule::body)) {
    BMSG_TRY_ASSIGN(const auto ours, local_.blocks(*next_, 1, Bodies::with));
    if (!bodies_missing(ours).empty()) {
      return Error{Errc::try_again, fmt::format("it needs bodies of our block {} that were dropped "
                                                "here; another peer may have them",
                                                next_->value)};
    }
  }
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
