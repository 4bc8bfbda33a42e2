#include "lib/node/proposal_sync.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "lib/chain/block_hash.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/core/try.h"

namespace bmsg::node {

std::vector<ProposalNote> lacking(const std::vector<ProposalNote>& ours,
                                  const std::vector<ProposalNote>& others) {
  std::vector<ProposalNote> found;
  for (const ProposalNote& one : others) {
    const auto known = std::ranges::find(ours, one.hash, &ProposalNote::hash);
    if (known == ours.end() || (one.signers & ~known->signers) != 0) found.push_back(one);
  }
  return found;
}

ProposalSync::ProposalSync(Service& local, Transport& peer, const SyncOptions& options,
                           const std::vector<ProposalNote>& theirs, SyncReport& report)
    : local_(local), peer_(peer), options_(options), theirs_(theirs), report_(report) {}

Result<Done> ProposalSync::begin() {
  using Direction = SyncOptions::Direction;
  begun_ = true;
  BMSG_TRY_ASSIGN(const auto mine, local_.info());
  if (mine.mode == chain::Mode::pow || mine.light || report_.peer.light) return done;
  BMSG_TRY_ASSIGN(const auto ours, local_.proposals());
  if (options_.direction != Direction::push) {
    for (const ProposalNote& one : lacking(ours, theirs_)) wanted_.push_back(one.hash);
  }
  if (options_.direction != Direction::pull && !report_.peer.read_only) {
    for (const ProposalNote& one : lacking(theirs_, ours)) gifts_.push_back(one.hash);
  }
  return done;
}

Result<bool> ProposalSync::step() {
  if (!begun_) BMSG_TRY(begin());
  if (!wanted_.empty()) {
    BMSG_TRY(pull());
  } else if (!gifts_.empty()) {
    BMSG_TRY(push());
  }
  return !wanted_.empty() || !gifts_.empty();
}

Result<Done> ProposalSync::pull() {
  const BlockHash hash = wanted_.front();
  wanted_.pop_front();
  BMSG_TRY_ASSIGN(const auto block, peer_.proposal(hash));
  if (!block) return done;  // It has become a block meanwhile, or nothing.
  if (chain::hash_of(block->header) != hash)
    return Error{Errc::protocol, "it gives another proposal than it was asked for"};
  BMSG_TRY_ASSIGN(auto outcome, local_.submit_block(*block));
  if (outcome.verdict == Verdict::refused && outcome.violation) {
    return Error{Errc::bad_input,
                 fmt::format("a proposal breaks the rule {}: {}",
                             chain::name_of(outcome.violation->rule), outcome.violation->detail)};
  }
  if (outcome.verdict != Verdict::accepted) return done;
  ++report_.pulled_proposals;
  if (outcome.reorg) report_.reorg = std::move(outcome.reorg);
  return done;
}

Result<Done> ProposalSync::give(const Block& block, const std::vector<ShortId>& needed) {
  const std::unordered_set<ShortId, FixedBytesHash> wanted(needed.begin(), needed.end());
  Bytes pack = chain::begin_pack();
  std::size_t frames = 1;
  for (const Message& message : block.messages) {
    const bool is_wanted = wanted.contains(prefix_of<ShortId>(chain::id_of(message.head)));
    if (!is_wanted || !message.body) continue;
    chain::append_frame(pack, chain::FrameType::message, encode(message));
    ++frames;
  }
  // Where half of it is missing the block goes whole: there is no second question.
  const bool is_whole = needed.size() > block.messages.size() / 2;
  if (is_whole) {
    pack = chain::begin_pack();
    chain::append_frame(pack, chain::FrameType::block, encode(block));
    frames = 1;
  } else {
    chain::append_frame(pack, chain::FrameType::compact, chain::encode(chain::compact_of(block)));
  }
  BMSG_TRY_ASSIGN(const auto lines, peer_.put(pack));
  if (lines.size() != frames) {
    return Error{Errc::protocol, fmt::format("{} lines answer {} frames", lines.size(), frames)};
  }
  if (lines.back().verdict == Verdict::accepted && lines.back().need.empty())
    ++report_.pushed_proposals;
  return done;
}

Result<Done> ProposalSync::push() {
  const BlockHash hash = gifts_.front();
  gifts_.pop_front();
  BMSG_TRY_ASSIGN(const auto block, local_.proposal(hash));
  if (!block) return done;
  Bytes pack = chain::begin_pack();
  chain::append_frame(pack, chain::FrameType::compact, chain::encode(chain::compact_of(*block)));
  BMSG_TRY_ASSIGN(const auto lines, peer_.put(pack));
  if (lines.size() != 1) return Error{Errc::protocol, "it does not answer a proposal"};
  if (!lines.front().need.empty()) return give(*block, lines.front().need);
  if (lines.front().verdict == Verdict::accepted) ++report_.pushed_proposals;
  return done;
}

}  // namespace bmsg::node
