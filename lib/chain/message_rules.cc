#include "lib/chain/message_rules.h"

#include <fmt/format.h>

#include <limits>

#include "lib/chain/block_hash.h"
#include "lib/core/big_endian.h"
#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/limits.h"
#include "lib/crypto/sha512.h"

namespace bmsg::chain {
namespace {

constexpr std::uint64_t kSecondsPerDay = 86400;
constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();

/// The largest number if the product does not fit.
std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t result = 0;
  return __builtin_mul_overflow(a, b, &result) ? kLargest : result;
}

std::optional<Violation> find_layout_violation(const Message& message) {
  const MessageHead& head = message.head;
  if (!key_section_fits(head.suite, head.key_section.size())) {
    return Violation{Rule::layout, fmt::format("{} bytes of keys in suite {}",
                                               head.key_section.size(), int(head.suite))};
  }
  if (message.body && message.body->size() != head.body_bytes) {
    return Violation{Rule::layout, fmt::format("body of {} bytes, head says {}",
                                               message.body->size(), head.body_bytes)};
  }
  return std::nullopt;
}

std::optional<Violation> find_size_violation(const MessageHead& head, const RulesText& rules) {
  const std::size_t most = head.suite == Suite::chunk ? kChunkMessageBytesMax : rules.maxmessage;
  if (head.encoded_bytes() <= most) return std::nullopt;
  return Violation{Rule::message_size,
                   fmt::format("{} bytes, at most {}", head.encoded_bytes(), most)};
}

std::optional<Violation> find_time_violation(const MessageHead& head, UnixSeconds time,
                                             const RulesText& rules) {
  if (head.ttl == 0 || head.ttl > rules.maxttl) {
    return Violation{Rule::ttl, fmt::format("ttl {}, 1 to {}", head.ttl, rules.maxttl)};
  }
  // Compared on the side that cannot overflow: `time` may be any 64-bit number.
  constexpr auto kAhead = static_cast<std::uint64_t>(kTimeAheadMax.count());
  if (head.time > time.value && head.time - time.value > kAhead) {
    return Violation{Rule::early, fmt::format("time {}, judged at {}", head.time, time.value)};
  }
  if (time.value >= head.expiry()) {
    return Violation{Rule::expired,
                     fmt::format("expired at {}, judged at {}", head.expiry(), time.value)};
  }
  return std::nullopt;
}

std::optional<Violation> find_stamp_violation(const Message& message, const MessageId& id,
                                              const ChainRules& chain,
                                              std::optional<std::uint64_t> stamp) {
  const std::uint64_t limit = stamp_limit(stamp_needed(chain, message.head));
  if (limit == kLargest) return std::nullopt;
  const std::uint64_t value = stamp ? *stamp : stamp_value(id, message.nonce);
  if (value <= limit) return std::nullopt;
  return Violation{Rule::stamp, fmt::format("stamp {}, at most {}", value, limit)};
}

}  // namespace

std::optional<Violation> find_violation(const Message& message, const MessageId& id,
                                        UnixSeconds time, const ChainRules& chain) {
  if (auto violation = find_head_violation(message, id, time, chain)) return violation;
  return find_body_violation(message);
}

std::optional<Violation> find_head_violation(const Message& message, const MessageId& id,
                                             UnixSeconds time, const ChainRules& chain,
                                             std::optional<std::uint64_t> stamp) {
  const MessageHead& head = message.head;
  if (auto violation = find_layout_violation(message)) return violation;
  if (const auto tag = prefix_of<ChainTag>(chain.id); head.chain != tag) {
    return Violation{Rule::chain, fmt::format("chain {}, expected {}", to_hex(head.chain.view()),
                                              to_hex(tag.view()))};
  }
  if (auto violation = find_size_violation(head, chain.rules)) return violation;
  if (auto violation = find_time_violation(head, time, chain.rules)) return violation;
  return find_stamp_violation(message, id, chain, stamp);
}

std::optional<Violation> find_body_violation(const Message& message,
                                             const std::optional<BodyHash>& known) {
  if (!message.body) return std::nullopt;
  const BodyHash hash = known ? *known : body_hash_of(*message.body);
  if (hash == message.head.body_hash) return std::nullopt;
  return Violation{Rule::body, fmt::format("body hash {}, head says {}", to_hex(hash.view()),
                                           to_hex(message.head.body_hash.view()))};
}

std::uint64_t stamp_needed(const ChainRules& chain, const MessageHead& head) {
  const bool is_chunk = head.suite == Suite::chunk;
  const std::uint64_t rate = is_chunk ? chain.rules.blobstamp : chain.rules.stamp;
  const std::uint64_t days = (head.ttl + kSecondsPerDay - 1) / kSecondsPerDay;
  return product(product(rate, head.encoded_bytes()), days);
}

// v · needed < 2^64 says the same as v ≤ floor((2^64 − 1) / needed), without 128 bits.
std::uint64_t stamp_limit(std::uint64_t needed) {
  return needed == 0 ? kLargest : kLargest / needed;
}

std::uint64_t stamp_value(const MessageId& id, std::uint64_t nonce) {
  Bytes stamped = to_bytes(id.view());
  append_be(stamped, nonce);
  return load_be<std::uint64_t>(crypto::sha512(stamped).data());
}

std::uint64_t stamp_achieved(const MessageId& id, std::uint64_t nonce) {
  const std::uint64_t value = stamp_value(id, nonce);
  return value == kLargest ? 0 : kLargest / (value + 1);
}

}  // namespace bmsg::chain
