#include "tests/support/sim_network.h"

#include "lib/chain/block_hash.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "tests/support/seed.h"

namespace bmsg {
namespace {

constexpr std::uint64_t kAnswerBytes = 200;  // Of an answer that is not counted closer.

node::PutLine line_of(node::Verdict verdict, const std::optional<chain::Violation>& violation) {
  return {verdict, violation ? std::string(chain::name_of(violation->rule)) : "", {}};
}

Result<node::PutLine> put_message(node::Service& remote, const Bytes& payload) {
  BMSG_TRY_ASSIGN(const auto message, decode_message(payload));
  BMSG_TRY_ASSIGN(const auto outcomes, remote.submit_messages({message}, node::Origin::peer));
  return line_of(outcomes.front().verdict, outcomes.front().violation);
}

Result<node::PutLine> put_block(node::Service& remote, const Bytes& payload) {
  BMSG_TRY_ASSIGN(const auto block, decode_block(payload));
  BMSG_TRY_ASSIGN(const auto outcome, remote.submit_block(block));
  return line_of(outcome.verdict, outcome.violation);
}

Result<node::PutLine> put_compact(node::Service& remote, const Bytes& payload) {
  BMSG_TRY_ASSIGN(const auto compact, chain::decode_compact(payload));
  BMSG_TRY_ASSIGN(const auto rebuilt, remote.submit_compact(compact));
  if (!rebuilt.outcome) return node::PutLine{node::Verdict::accepted, "", rebuilt.need};
  return line_of(rebuilt.outcome->verdict, rebuilt.outcome->violation);
}

Result<node::PutLine> put_ids(node::Service& remote, const Bytes& payload) {
  BMSG_TRY_ASSIGN(const auto ids, chain::decode_short_ids(payload));
  node::PutLine line{node::Verdict::known, "", {}};
  BMSG_TRY_ASSIGN(const auto info, remote.info());
  if (info.light) return line;
  for (const ShortId& id : ids) {
    BMSG_TRY_ASSIGN(const auto found, remote.messages({id}));
    if (found.empty()) line.need.push_back(id);
  }
  return line;
}

}  // namespace

bool SimTransport::draws(unsigned percent) {
  return numbers_ != nullptr && number_up_to(*numbers_, 99) < percent;
}

Error SimTransport::away() {
  if (is_down_ || left_ == 0U) ++traffic.cut;
  return Error{Errc::unreachable, "sim:peer does not answer"};
}

template <class T>
Result<T> SimTransport::ask(const std::function<Result<T>()>& request) {
  if (is_down_ || left_ == 0U) return away();
  if (left_) --*left_;
  ++traffic.requests;
  if (loses_requests_) {
    ++traffic.one_way;
    return away();
  }
  const bool lost = draws(percent_);
  if (lost && number_up_to(*numbers_, 1) == 0) {
    ++traffic.lost_before;
    return away();
  }
  auto answer = request();
  if (on_way_back) on_way_back();
  bytes_in_ += kAnswerBytes;
  if (lost) ++traffic.lost_after;
  if (loses_answers_) ++traffic.one_way;
  if (lost || loses_answers_ || is_down_) return away();
  return answer;
}

Result<node::NodeInfo> SimTransport::info() {
  return ask<node::NodeInfo>([&]() -> Result<node::NodeInfo> {
    BMSG_TRY_ASSIGN(auto info, remote_->info());
    if (lies.info) lies.info(info);
    return info;
  });
}

Result<std::string> SimTransport::rules_text() {
  return ask<std::string>([&] { return remote_->rules_text(); });
}

Result<std::vector<SealedHeader>> SimTransport::headers(Height from, std::uint32_t count) {
  return ask<std::vector<SealedHeader>>([&]() -> Result<std::vector<SealedHeader>> {
    BMSG_TRY_ASSIGN(auto headers, remote_->headers(from, count));
    if (lies.headers) lies.headers(from, headers);
    bytes_in_ += headers.size() * kHeaderBytes;
    return headers;
  });
}

Result<std::vector<Block>> SimTransport::blocks(Height from, std::uint32_t count, Bodies bodies) {
  return ask<std::vector<Block>>([&]() -> Result<std::vector<Block>> {
    BMSG_TRY_ASSIGN(auto blocks, remote_->blocks(from, count, bodies));
    if (lies.blocks) lies.blocks(from, blocks);
    traffic.blocks_in += blocks.size();
    for (const Block& block : blocks) bytes_in_ += encode(block).size();
    return blocks;
  });
}

Result<std::optional<Block>> SimTransport::proposal(const BlockHash& hash) {
  return ask<std::optional<Block>>([&] { return remote_->proposal(hash); });
}

Result<std::optional<Block>> SimTransport::block(const BlockHash& hash, Bodies bodies) {
  return ask<std::optional<Block>>([&]() -> Result<std::optional<Block>> {
    BMSG_TRY_ASSIGN(auto block, remote_->block(hash, bodies));
    if (lies.block) lies.block(block);
    traffic.blocks_in += block ? 1 : 0;
    return block;
  });
}

Result<std::vector<Message>> SimTransport::messages(const std::vector<ShortId>& ids) {
  return ask<std::vector<Message>>([&]() -> Result<std::vector<Message>> {
    BMSG_TRY_ASSIGN(auto messages, remote_->messages(ids));
    if (lies.messages) lies.messages(messages);
    traffic.messages_in += messages.size();
    return messages;
  });
}

Result<node::Feed> SimTransport::feed(const std::string& cursor) {
  return ask<node::Feed>([&]() -> Result<node::Feed> {
    BMSG_TRY_ASSIGN(auto feed, remote_->feed(cursor));
    if (lies.feed) lies.feed(feed);
    return feed;
  });
}

Result<std::vector<node::PutLine>> SimTransport::put(const Bytes& pack) {
  return ask<std::vector<node::PutLine>>([&]() -> Result<std::vector<node::PutLine>> {
    BMSG_TRY_ASSIGN(auto lines, put_frames(pack));
    if (repeat_percent_ > 0 && draws(repeat_percent_)) {
      ++traffic.repeated;
      BMSG_TRY_ASSIGN(auto again, put_frames(pack));
      if (number_up_to(*numbers_, 1) == 0) lines = std::move(again);
    }
    if (lies.put) lies.put(lines);
    return lines;
  });
}

Result<std::vector<node::PutLine>> SimTransport::put_frames(const Bytes& pack) {
  check(pack.size() <= kPutBytesMax, "a pack that no peer takes");
  bytes_out_ += pack.size();
  BMSG_TRY_ASSIGN(const auto frames, chain::split_pack(pack, chain::EndFrame::optional));
  std::vector<node::PutLine> lines;
  std::string types;
  for (const chain::Frame& frame : frames) {
    types += static_cast<char>(frame.type);
    const auto handler = frame.type == chain::FrameType::message   ? put_message
                         : frame.type == chain::FrameType::block   ? put_block
                         : frame.type == chain::FrameType::compact ? put_compact
                                                                   : put_ids;
    BMSG_TRY_ASSIGN(auto line, handler(*remote_, frame.payload));
    lines.push_back(std::move(line));
  }
  traffic.puts.push_back(types);
  return lines;
}

}  // namespace bmsg
