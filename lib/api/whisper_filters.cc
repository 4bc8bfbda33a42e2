#include "lib/api/whisper_filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "lib/api/whisper_values.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/mail/open.h"

namespace bmsg::api {
namespace {

constexpr std::size_t kMessageOverheadBytes = 512;
constexpr std::size_t kFilterIdBytes = 32;
constexpr std::size_t kSubscriptionIdBytes = 16;
constexpr std::size_t kHashBytes = 32;

std::size_t bytes_of_message(const WhisperMessage& message) {
  return message.payload.size() + kMessageOverheadBytes;
}

/// What stands in the clear, which costs nothing to look at.
bool may_match(const WhisperCriteria& criteria, const MessageHead& head, double pow) {
  if (head.suite != criteria.slot.suite() || pow < criteria.pow_min) return false;
  return criteria.topics.empty() || std::ranges::count(criteria.topics, head.topic) != 0;
}

std::optional<WhisperMessage> open_for(const WhisperCriteria& criteria, const Message& message,
                                       const MessageId& id, const ChainId& chain, double pow) {
  const auto content_key = criteria.slot.find_content_key(message.head);
  if (!content_key) return std::nullopt;
  mail::Opened opened = mail::open_with_content_key(message, chain, *content_key);
  if (opened.fault || opened.content.kind != mail::Kind::application) return std::nullopt;
  if (opened.signature == mail::SignatureState::bad) return std::nullopt;
  if (!criteria.sender.empty() && criteria.sender != opened.content.sender) return std::nullopt;
  const bool is_pair = criteria.slot.kind() == WhisperKeyKind::pair;
  return WhisperMessage{.sender = std::move(opened.content.sender),
                        .recipient = is_pair ? criteria.slot.public_key() : Bytes(),
                        .ttl = message.head.ttl,
                        .time = message.head.time,
                        .topic = message.head.topic,
                        .payload = std::move(opened.content.content),
                        .pow = pow,
                        .id = id};
}

/// A number as Go prints it: without zeros in front.
std::string subscription_id(ByteView bytes) {
  const std::string digits = to_hex(bytes);
  const auto first = digits.find_first_not_of('0');
  return fmt::format("0x{}", first == std::string::npos ? "0" : digits.substr(first));
}

}  // namespace

Json to_json(const WhisperMessage& message) {
  Json json = Json::object();
  if (!message.sender.empty()) json["sig"] = print_hex(message.sender);
  json["ttl"] = message.ttl;
  json["timestamp"] = message.time;
  json["topic"] = print_hex(message.topic.view());
  json["payload"] = print_hex(message.payload);
  json["padding"] = "0x";
  json["pow"] = message.pow;
  json["hash"] = whisper_hash(message.id);
  if (!message.recipient.empty()) json["recipientPublicKey"] = print_hex(message.recipient);
  return json;
}

std::string whisper_hash(const MessageId& id) { return print_hex(id.view().first(kHashBytes)); }

double whisper_pow(const MessageHead& head, const MessageId& id, std::uint64_t nonce) {
  const double hashes = std::ldexp(1.0, 64) / (double(chain::stamp_value(id, nonce)) + 1);
  return hashes / double(head.encoded_bytes()) / std::max(1.0, double(head.ttl));
}

Result<Done> WhisperFilters::check_room() const {
  if (filters_.size() < limits_.filters) return done;
  return Error{
      Errc::no_resource,
      fmt::format("there are {} filters and subscriptions already: delete some", limits_.filters)};
}

Result<std::string> WhisperFilters::add_filter(WhisperCriteria criteria, Entropy& entropy) {
  BMSG_TRY(check_room());
  Bytes id(kFilterIdBytes);
  BMSG_TRY(entropy.fill(id));
  return filters_.insert_or_assign(to_hex(id), Filter{std::move(criteria), std::nullopt})
      .first->first;
}

Result<std::string> WhisperFilters::subscribe(WhisperConnection connection,
                                              WhisperCriteria criteria, Entropy& entropy) {
  BMSG_TRY(check_room());
  Bytes id(kSubscriptionIdBytes);
  BMSG_TRY(entropy.fill(id));
  return filters_.insert_or_assign(subscription_id(id), Filter{std::move(criteria), connection})
      .first->first;
}

std::optional<std::vector<WhisperMessage>> WhisperFilters::take(std::string_view filter) {
  const auto found = filters_.find(filter);
  if (found == filters_.end() || found->second.connection) return std::nullopt;
  std::vector<WhisperMessage> taken;
  for (auto& [order, message] : found->second.waiting) taken.push_back(std::move(message));
  found->second.waiting.clear();
  found->second.bytes = 0;
  return taken;
}

bool WhisperFilters::remove_filter(std::string_view filter) {
  const auto found = filters_.find(filter);
  if (found == filters_.end() || found->second.connection) return false;
  filters_.erase(found);
  return true;
}

bool WhisperFilters::unsubscribe(WhisperConnection connection, std::string_view subscription) {
  const auto found = filters_.find(subscription);
  if (found == filters_.end() || found->second.connection != connection) return false;
  filters_.erase(found);
  return true;
}

bool WhisperFilters::remember(const MessageId& id, std::uint64_t expiry, UnixSeconds now) {
  while (!expiry_.empty() && expiry_.begin()->first <= now.value) {
    seen_.erase(expiry_.begin()->second);
    expiry_.erase(expiry_.begin());
  }
  if (!seen_.emplace(id, expiry).second) return false;
  expiry_.emplace(expiry, id);
  if (seen_.size() > limits_.seen) {
    seen_.erase(expiry_.begin()->second);
    expiry_.erase(expiry_.begin());
  }
  return true;
}

void WhisperFilters::keep(Filter& filter, WhisperMessage message) const {
  filter.bytes += bytes_of_message(message);
  filter.waiting.emplace_back(offered_, std::move(message));
  const auto is_full = [&] {
    return filter.waiting.size() > limits_.messages || filter.bytes > limits_.bytes;
  };
  while (filter.waiting.size() > 1 && is_full()) {
    filter.bytes -= bytes_of_message(filter.waiting.front().second);
    filter.waiting.pop_front();
  }
}

void WhisperFilters::offer(const Message& message, const WhisperBounds& bounds, UnixSeconds now) {
  const MessageHead& head = message.head;
  if (head.suite != Suite::sealed && head.suite != Suite::sealed_secp256k1) return;
  if (!message.body || head.expiry() <= now.value) return;
  const MessageId id = chain::id_of(head);
  const double pow = whisper_pow(head, id, message.nonce);
  // Before it is remembered: anybody can stamp a message again, with less work.
  if (pow < bounds.pow_min || head.encoded_bytes() > bounds.bytes_max) return;
  if (!remember(id, head.expiry(), now)) return;
  ++offered_;
  for (auto& [name, filter] : filters_) {
    if (!may_match(filter.criteria, head, pow)) continue;
    auto opened = open_for(filter.criteria, message, id, chain_, pow);
    if (opened) keep(filter, std::move(*opened));
  }
}

std::vector<WhisperNotification> WhisperFilters::take_notifications(WhisperConnection connection) {
  std::vector<std::pair<std::uint64_t, WhisperNotification>> found;
  for (auto& [name, filter] : filters_) {
    if (filter.connection != connection) continue;
    for (auto& [order, message] : filter.waiting)
      found.emplace_back(order, WhisperNotification{name, std::move(message)});
    filter.waiting.clear();
    filter.bytes = 0;
  }
  std::ranges::stable_sort(found, {}, [](const auto& one) { return one.first; });
  std::vector<WhisperNotification> taken;
  for (auto& [order, notification] : found) taken.push_back(std::move(notification));
  return taken;
}

void WhisperFilters::close(WhisperConnection connection) {
  std::erase_if(filters_, [&](const auto& one) { return one.second.connection == connection; });
}

std::size_t WhisperFilters::waiting() const {
  std::size_t count = 0;
  for (const auto& [name, filter] : filters_) count += filter.waiting.size();
  return count;
}

}  // namespace bmsg::api
