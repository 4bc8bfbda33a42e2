#include "lib/api/topic_answers.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <vector>

#include "lib/api/peer_answers.h"
#include "lib/api/request_path.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"

namespace bmsg::api {
namespace {

constexpr std::uint32_t kTopicBits = 8 * Topic::kSize;
constexpr std::size_t kBodiesAtOnce = 64;  // 4 MiB at most.

std::uint32_t number_of(const Topic& topic) {
  std::uint32_t number = 0;
  for (const std::uint8_t byte : topic.view()) number = number << 8 | byte;
  return number;
}

struct TopicWish {
  std::uint32_t topic = 0;
  std::uint32_t mask = 0;  // Its first bits.
  HeightRange range;

  bool is_met_by(const MessageHead& head) const { return (number_of(head.topic) & mask) == topic; }
};

/// "HEX8/BITS/FROM/N". Digits after the first BITS bits are 0: there is one path for each question.
std::optional<TopicWish> parse_wish(std::string_view path) {
  const auto topic = fixed_from_hex<Topic>(next_part(path));
  const auto bits = parse_number(next_part(path));
  const auto range = parse_range(path, kHeadersPerRequest);
  if (!topic || !bits || *bits > kTopicBits || !range) return std::nullopt;
  const std::uint32_t mask = *bits == 0 ? 0 : ~std::uint32_t{0} << (kTopicBits - *bits);
  const std::uint32_t wanted = number_of(*topic);
  if ((wanted & mask) != wanted) return std::nullopt;
  return TopicWish{.topic = wanted, .mask = mask, .range = *range};
}

/// What a block's heads come to.
std::size_t looked_bytes(const Block& block) {
  return kHeaderBytes + block.messages.size() * (kHeadBytesFixed + kNonceBytes);
}

/// Gives messages of a block their bodies. Which of them has none here is left out.
Result<std::vector<Message>> with_bodies(node::Service& service, std::vector<Message> messages) {
  std::vector<Message> whole;
  for (std::size_t at = 0; at < messages.size(); at += kBodiesAtOnce) {
    const std::size_t end = std::min(messages.size(), at + kBodiesAtOnce);
    std::vector<ShortId> ids;
    for (std::size_t i = at; i < end; ++i)
      ids.push_back(prefix_of<ShortId>(chain::id_of(messages[i].head)));
    BMSG_TRY_ASSIGN(auto found, service.messages(ids));
    // With the nonce that is in the block: the pool's copy may have another.
    std::unordered_map<MessageId, Bytes, FixedBytesHash> bodies;
    for (Message& message : found)
      if (message.body) bodies.emplace(chain::id_of(message.head), std::move(*message.body));
    for (std::size_t i = at; i < end; ++i) {
      const auto body = bodies.find(chain::id_of(messages[i].head));
      if (body == bodies.end()) continue;
      messages[i].body = body->second;
      whole.push_back(std::move(messages[i]));
    }
  }
  return whole;
}

/// The block's H frame and its M frames.
Result<Bytes> frames_of(node::Service& service, const Block& block, const TopicWish& wish) {
  std::vector<Message> wanted;
  std::ranges::copy_if(block.messages, std::back_inserter(wanted),
                       [&](const Message& message) { return wish.is_met_by(message.head); });
  BMSG_TRY_ASSIGN(const auto whole, with_bodies(service, std::move(wanted)));
  Bytes frames;
  chain::append_frame(frames, chain::FrameType::header,
                      encode(SealedHeader{block.header, block.seal}));
  for (const Message& message : whole)
    chain::append_frame(frames, chain::FrameType::message, encode(message));
  return frames;
}

/// Builds the answer block by block.
class TopicPack {
 public:
  TopicPack(node::Service& service, const TopicWish& wish, const TopicLimits& limits)
      : service_(service), wish_(wish), limits_(limits) {}

  Bytes take_pack() { return std::move(pack_); }

  /// Whether there may be more after it: false once a limit is met, or the branch is another.
  Result<bool> add(const Block& block) {
    const bool goes_on = !last_ || block.header.previous == *last_;
    if (!goes_on || looked_ >= limits_.looked_bytes_max) return false;
    BMSG_TRY_ASSIGN(const auto frames, frames_of(service_, block, wish_));
    if (last_ && pack_.size() + frames.size() > limits_.answer_bytes_max) return false;
    append(pack_, frames);
    looked_ += looked_bytes(block);
    last_ = chain::hash_of(block.header);
    return true;
  }

 private:
  node::Service& service_;
  const TopicWish& wish_;
  const TopicLimits& limits_;
  Bytes pack_ = chain::begin_pack();
  std::size_t looked_ = 0;
  std::optional<BlockHash> last_;
};

}  // namespace

Result<net::HttpResponse> answer_topic(node::Service& service, std::string_view path,
                                       const TopicLimits& limits) {
  const auto wish = parse_wish(path);
  if (!wish) {
    return error_response(
        400, "request", "topic/HEX8/BITS/FROM/N, BITS up to 32, no bit set after them, N to 2000");
  }
  TopicPack pack(service, *wish, limits);
  const std::uint64_t end = std::uint64_t{wish->range.from.value} + wish->range.count;
  bool more = true;
  for (std::uint64_t at = wish->range.from.value; more && at < end;) {
    const auto count = std::min<std::uint64_t>(end - at, kBlocksPerRequest);
    BMSG_TRY_ASSIGN(const auto blocks,
                    service.blocks(Height{static_cast<std::uint32_t>(at)},
                                   static_cast<std::uint32_t>(count), Bodies::without));
    more = !blocks.empty();
    for (const Block& block : blocks) {
      BMSG_TRY_ASSIGN(more, pack.add(block));
      if (!more) break;
    }
    at += blocks.size();
    if (at > UINT32_MAX) break;
  }
  return pack_response(pack.take_pack());
}

}  // namespace bmsg::api
