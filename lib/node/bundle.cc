#include "lib/node/bundle.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "lib/chain/block_hash.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "lib/node/block_sync.h"

namespace bmsg::node {
namespace {

constexpr std::uint32_t kHeadersAtOnce = 256;
constexpr std::size_t kMessagesAtOnce = 256;
constexpr std::size_t kMessageBytesAtOnce = 4u << 20;

Error bad_frame(const std::string& what) {
  return Error{Errc::bad_input, fmt::format("frame: {}", what)};
}

/// "'ana' 0123456789abcdef": a chain as people tell it from others.
std::string name_of(const chain::ChainRules& chain) {
  return fmt::format("'{}' {}", chain.rules.name, to_hex(chain.id.view()).substr(0, 16));
}

Error no_parent(Height first, Height tip) {
  const std::string here = fmt::format(
      "its first block, {}, follows a block that is not here, where the chain ends at {}",
      first.value, tip.value);
  const std::string hint =
      first.value > tip.value + 1
          ? fmt::format("make it with '--since {}'", tip.value)
          : fmt::format("the two chains part below block {}: make it with a lower '--since'",
                        first.value);
  return Error{Errc::bad_input, here, hint};
}

/// Nobody who lacks them elsewhere can take a block without bodies that have not expired.
void count_lacking(const Block& block, UnixSeconds now, BundleContent& content) {
  const auto lacking = std::ranges::count_if(block.messages, [now](const Message& message) {
    return !message.body && message.head.expiry() > now.value;
  });
  if (lacking > 0 && !content.first_lacking) content.first_lacking = block.header.height;
  content.lacking += static_cast<std::uint64_t>(lacking);
}

Result<Done> write_blocks(const ChainReader& chain, Height first, UnixSeconds now,
                          chain::PackWriter& pack,
                          const std::function<void(const BundleContent&)>& told,
                          BundleContent& content) {
  Height next{std::max(first.value, std::uint32_t{1})};  // Everybody has genesis.
  for (;;) {
    BMSG_TRY_ASSIGN(const auto headers, chain.headers(next, kHeadersAtOnce));
    if (headers.empty()) return done;
    for (const StoredHeader& one : headers) {
      BMSG_TRY_ASSIGN(const auto block, chain.block(one.hash, Bodies::with));
      if (!block) return Error{Errc::corrupt, fmt::format("the store lacks block {}", next.value)};
      BMSG_TRY(pack.add(chain::FrameType::block, encode(*block)));
      count_lacking(*block, now, content);
      if (!content.first) content.first = next;
      content.last = next;
      ++content.blocks;
      ++next.value;
      told(content);
    }
  }
}

/// Without the messages that wait: these came before.
Result<Done> write_proposals(const ChainReader& chain, chain::PackWriter& pack,
                             BundleContent& content) {
  BMSG_TRY_ASSIGN(const auto proposals, chain.proposals());
  for (const Proposal& one : proposals) {
    for (const Message& message : one.block.messages) {
      BMSG_TRY_ASSIGN(const auto pooled, chain.pooled(chain::id_of(message.head)));
      if (pooled || !message.body) continue;
      BMSG_TRY(pack.add(chain::FrameType::message, encode(message)));
      ++content.messages;
    }
  }
  for (const Proposal& one : proposals) {
    BMSG_TRY(pack.add(chain::FrameType::compact, chain::encode(chain::compact_of(one.block))));
    ++content.proposals;
  }
  return done;
}

Result<bool> is_here(const ChainReader& chain, const MessageId& id) {
  BMSG_TRY_ASSIGN(const auto pooled, chain.pooled(id));
  if (pooled) return true;
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  return std::ranges::any_of(
      places, [](const MessagePlace& place) { return place.branch == Branch::main; });
}

/// Whether a block is new to a chain; the first one that is must have its parent there.
Result<Done> preview(const Block& block, const ChainReader& chain, UnixSeconds now,
                     BundlePreview& seen) {
  BMSG_TRY_ASSIGN(const auto known, chain.header(chain::hash_of(block.header)));
  if (known) {
    ++seen.known_blocks;
    return done;
  }
  if (seen.new_blocks == 0) {
    BMSG_TRY_ASSIGN(seen.parent, chain.header(block.header.previous));
    BMSG_TRY_ASSIGN(const auto tip, chain.tip());
    if (!seen.parent) return no_parent(block.header.height, tip.height);
  }
  ++seen.new_blocks;
  const std::uint64_t ahead = now.value + static_cast<std::uint64_t>(kTimeAheadMax.count());
  if (!seen.future && block.header.time.value > ahead) seen.future = block.header.height;
  return done;
}

}  // namespace

Result<BundleContent> write_bundle(const ChainReader& chain, Height first, WithPool pool,
                                   UnixSeconds now, chain::PackWriter& pack,
                                   const std::function<void(const BundleContent&)>& told) {
  BundleContent content;
  BMSG_TRY_ASSIGN(const auto rules, chain.rules_text());
  BMSG_TRY(pack.begin());
  BMSG_TRY(pack.add(chain::FrameType::genesis, as_bytes(rules)));
  BMSG_TRY(write_blocks(chain, first, now, pack, told, content));
  if (pool == WithPool::yes) {
    BMSG_TRY_ASSIGN(const auto all, chain.pool(0));
    for (const PooledMessage& one : all) {
      BMSG_TRY(pack.add(chain::FrameType::message, encode(one.message)));
      ++content.messages;
    }
    BMSG_TRY(write_proposals(chain, pack, content));
  }
  BMSG_TRY(pack.finish());
  return content;
}

/// The rules text comes first: nothing of another chain is looked at.
Result<Done> BundleReader::begin() {
  BMSG_TRY_ASSIGN(const auto frame, pack_.next());
  if (!frame || frame->type != chain::FrameType::genesis)
    return bad_frame("it does not begin with the rules of its chain");
  if (frame->payload.size() > kRulesTextBytesMax) return bad_frame("a rules text too long");
  const auto rules = chain::parse_chain_rules(as_text(frame->payload));
  if (!rules) return bad_frame(fmt::format("no rules text: {}", rules.error().message));
  if (rules.value().id != chain_.id)
    return Error{Errc::bad_input, fmt::format("it is of another chain: {}, not {}",
                                              name_of(rules.value()), name_of(chain_))};
  begun_ = true;
  return done;
}

Result<BundleReader::Item> BundleReader::block_of(const Bytes& payload) {
  const std::string which = fmt::format("block {} of the bundle", content_.blocks + 1);
  if (content_.messages + content_.proposals > 0) return bad_frame("a block behind a message");
  auto block = decode_block(payload);
  if (!block) return bad_frame(fmt::format("{}: {}", which, block.error().message));
  const Header& header = block.value().header;
  const bool follows = !content_.last || (header.previous == last_ &&
                                          header.height.value == content_.last->value + 1);
  if (!follows) return bad_frame(fmt::format("{} does not follow the one before", which));
  last_ = chain::hash_of(header);
  if (!content_.first) content_.first = header.height;
  content_.last = header.height;
  ++content_.blocks;
  return Item(std::move(block).value());
}

Result<BundleReader::Item> BundleReader::message_of(const Bytes& payload) {
  const std::string which = fmt::format("message {} of the bundle", content_.messages + 1);
  if (content_.proposals > 0) return bad_frame("a message behind a proposal");
  if (payload.size() > kChunkMessageBytesMax) return bad_frame(fmt::format("{}: too long", which));
  auto message = decode_message(payload);
  if (!message) return bad_frame(fmt::format("{}: {}", which, message.error().message));
  ++content_.messages;
  return Item(std::move(message).value());
}

Result<BundleReader::Item> BundleReader::proposal_of(const Bytes& payload) {
  const std::string which = fmt::format("proposal {} of the bundle", content_.proposals + 1);
  auto compact = chain::decode_compact(payload);
  if (!compact) return bad_frame(fmt::format("{}: {}", which, compact.error().message));
  ++content_.proposals;
  return Item(std::move(compact).value());
}

Result<std::optional<BundleReader::Item>> BundleReader::next() {
  if (!begun_) BMSG_TRY(begin());
  BMSG_TRY_ASSIGN(const auto frame, pack_.next());
  if (!frame) return std::optional<Item>();
  Result<Item> item = [&]() -> Result<Item> {
    if (frame->type == chain::FrameType::block) return block_of(frame->payload);
    if (frame->type == chain::FrameType::message) return message_of(frame->payload);
    const bool is_proposal =
        chain_.rules.mode == chain::Mode::endorse && frame->type == chain::FrameType::compact;
    if (is_proposal) return proposal_of(frame->payload);
    return bad_frame(
        fmt::format("one of type {} has no place here", static_cast<char>(frame->type)));
  }();
  if (!item) return item.error();
  return std::optional(std::move(item).value());
}

Result<Done> BundleReader::drain() {
  for (;;) {
    BMSG_TRY_ASSIGN(const auto frame, pack_.next());
    if (!frame) return done;
  }
}

Result<BundleContent> check_bundle(BundleReader& bundle) {
  for (;;) {
    const auto item = bundle.next();
    if (!item) {
      BMSG_TRY(bundle.drain());
      return item.error();
    }
    if (!item.value()) return bundle.content();
  }
}

Result<BundlePreview> preview_bundle(BundleReader& bundle, const ChainReader& chain,
                                     UnixSeconds now) {
  BundlePreview seen;
  for (;;) {
    BMSG_TRY_ASSIGN(const auto item, bundle.next());
    if (!item) return seen;
    if (const auto* block = std::get_if<Block>(&*item)) {
      BMSG_TRY(preview(*block, chain, now, seen));
      continue;
    }
    if (const auto* compact = std::get_if<chain::CompactBlock>(&*item)) {
      BMSG_TRY_ASSIGN(const auto known, chain.proposal(chain::hash_of(compact->sealed.header)));
      const bool is_new =
          !known || signers_of(compact->sealed.seal) !=
                        (signers_of(compact->sealed.seal) & signers_of(known->block.seal));
      if (is_new) ++seen.new_proposals;
      continue;
    }
    const MessageId id = chain::id_of(std::get<Message>(*item).head);
    BMSG_TRY_ASSIGN(const bool here, is_here(chain, id));
    ++(here ? seen.known_messages : seen.new_messages);
  }
}

Result<bool> BundlePull::step() {
  auto item = bundle_.next();
  if (!item || !item.value()) {
    BMSG_TRY(hand_over());  // Also before a fault: what came proves itself.
    if (!item) return item.error();
    return false;
  }
  if (auto* block = std::get_if<Block>(&*item.value())) {
    BMSG_TRY(take(std::move(*block)));
  } else if (const auto* compact = std::get_if<chain::CompactBlock>(&*item.value())) {
    BMSG_TRY(take(*compact));
  } else {
    BMSG_TRY(take(std::get<Message>(std::move(*item.value()))));
  }
  return true;
}

Result<Done> BundlePull::take(Block block) {
  for (const Message& message : block.messages) row_bytes_ += message.head.encoded_bytes();
  row_.push_back(std::move(block));
  const bool full = row_.size() >= row_most_ || row_bytes_ >= kMessageBytesAtOnce;
  return full ? hand_over_blocks() : Result<Done>(done);
}

Result<Done> BundlePull::hand_over_blocks() {
  const std::vector<Block> row = std::exchange(row_, {});
  row_bytes_ = 0;
  row_most_ = std::min<std::size_t>(2 * row_most_, kBlocksPerRequest);
  if (row.empty() || report_.held) return done;  // Their parent is not kept either.
  BMSG_TRY_ASSIGN(auto outcomes, local_.submit_blocks(row));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i].verdict == Verdict::orphan) {
      if (report_.new_blocks + report_.known_blocks > 0)
        return Error{Errc::try_again, "a block's parent was dropped meanwhile"};
      BMSG_TRY_ASSIGN(const auto info, local_.info());
      return no_parent(row[i].header.height, info.tip.height);
    }
    BMSG_TRY(count(row[i], std::move(outcomes[i])));
  }
  return done;
}

Result<Done> BundlePull::count(const Block& block, BlockOutcome outcome) {
  const Height height = block.header.height;
  if (outcome.verdict == Verdict::refused) {
    if (!outcome.violation) return Error{Errc::bad_input, "a block that our node refuses"};
    if (lacks_bodies(block, *outcome.violation)) {
      return Error{Errc::bad_input,
                   fmt::format("block {} breaks the rule body: whoever made the bundle has dropped "
                               "messages of it that have not expired",
                               height.value),
                   "a bundle or a peer of somebody else may have them"};
    }
    return Error{Errc::bad_input,
                 fmt::format("block {} breaks the rule {}: {}", height.value,
                             chain::name_of(outcome.violation->rule), outcome.violation->detail)};
  }
  if (outcome.verdict == Verdict::held) {
    report_.held = height;
    return done;
  }
  ++(outcome.verdict == Verdict::accepted ? report_.new_blocks : report_.known_blocks);
  if (outcome.stopped_by_policy) report_.stopped_by_policy = true;
  if (outcome.reorg && (!report_.reorg || report_.reorg->depth < outcome.reorg->depth))
    report_.reorg = std::move(outcome.reorg);
  // The branch goes on behind the block that made it the best.
  if (report_.reorg && !report_.stopped_by_policy) report_.reorg->to = chain::hash_of(block.header);
  return done;
}

/// One whose messages or parent are not here comes to nothing: blocks decide, not proposals.
Result<Done> BundlePull::take(const chain::CompactBlock& compact) {
  BMSG_TRY(hand_over());
  BMSG_TRY_ASSIGN(auto rebuilt, local_.submit_compact(compact));
  if (!rebuilt.outcome) return done;
  if (rebuilt.outcome->verdict == Verdict::refused && rebuilt.outcome->violation) {
    const chain::Violation& violation = *rebuilt.outcome->violation;
    return Error{Errc::bad_input, fmt::format("a proposal breaks the rule {}: {}",
                                              chain::name_of(violation.rule), violation.detail)};
  }
  if (rebuilt.outcome->verdict == Verdict::accepted) ++report_.new_proposals;
  return done;
}

Result<Done> BundlePull::take(Message message) {
  BMSG_TRY(hand_over_blocks());
  waiting_bytes_ += message.head.encoded_bytes();
  waiting_.push_back(std::move(message));
  const bool full = waiting_.size() >= kMessagesAtOnce || waiting_bytes_ >= kMessageBytesAtOnce;
  return full ? hand_over() : Result<Done>(done);
}

Result<Done> BundlePull::hand_over() {
  BMSG_TRY(hand_over_blocks());
  if (waiting_.empty()) return done;
  BMSG_TRY_ASSIGN(const auto outcomes, local_.submit_messages(waiting_, Origin::peer));
  waiting_.clear();
  waiting_bytes_ = 0;
  for (const MessageOutcome& outcome : outcomes) {
    if (outcome.verdict == Verdict::accepted) ++report_.new_messages;
    if (outcome.verdict == Verdict::known) ++report_.known_messages;
    if (outcome.verdict == Verdict::held) ++report_.held_messages;
    if (outcome.verdict != Verdict::refused) continue;
    ++report_.refused_messages;
    if (!report_.first_refusal.empty()) continue;
    const auto& violation = outcome.violation;
    report_.first_refusal =
        fmt::format("{}, by the rule {}: {}", to_hex(outcome.id.view()).substr(0, 16),
                    violation ? chain::name_of(violation->rule) : "unknown",
                    violation ? violation->detail : "");
  }
  return done;
}

}  // namespace bmsg::node
