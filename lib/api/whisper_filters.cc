#include "lib/api/whisper_filters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "lib/api/whisper_values.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "lib/core/check.h"
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

/// nullptr if it is not for this key, or not what a gateway has posted.
SharedWhisperMessage open_with(const WhisperSlot& slot, const Message& message, const MessageId& id,
                               const ChainId& chain, double pow) {
  const auto content_key = slot.find_content_key(message.head);
  if (!content_key) return nullptr;
  mail::Opened opened = mail::open_with_content_key(message, chain, *content_key);
  if (opened.fault || opened.content.kind != mail::Kind::application) return nullptr;
  if (opened.signature == mail::SignatureState::bad) return nullptr;
  // Whisper's clients know keys of one curve: others' words are none of theirs.
  const Bytes& sender = opened.content.sender;
  if (!sender.empty() && sender.size() != kSecp256k1PublicBytes) return nullptr;
  const bool is_pair = slot.kind() == WhisperKeyKind::pair;
  return std::make_shared<WhisperMessage>(
      WhisperMessage{.sender = sender,
                     .recipient = is_pair ? slot.public_key() : Bytes(),
                     .ttl = message.head.ttl,
                     .time = message.head.time,
                     .topic = message.head.topic,
                     .payload = std::move(opened.content.content),
                     .pow = pow,
                     .id = id});
}

Error too_many(std::size_t count, std::string_view what) {
  return {Errc::no_resource, fmt::format("there are {} {} already: delete some", count, what)};
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

/// What stands in the clear, which costs nothing to look at.
bool WhisperFilters::Filter::may_match(const MessageHead& head, double pow) const {
  return pow >= pow_min && (topics.empty() || std::ranges::binary_search(topics, head.topic));
}

Result<std::string> WhisperFilters::add_filter(WhisperCriteria criteria, Entropy& entropy) {
  if (filters_.size() - subscribed_ >= limits_.filters) return too_many(limits_.filters, "filters");
  Bytes id(kFilterIdBytes);
  BMSG_TRY(entropy.fill(id));
  return add(to_hex(id), std::move(criteria), std::nullopt);
}

Result<std::string> WhisperFilters::subscribe(WhisperConnection connection,
                                              WhisperCriteria criteria, Entropy& entropy) {
  if (subscribed_ >= limits_.subscriptions) return too_many(limits_.subscriptions, "subscriptions");
  const auto own = subscriptions_.find(connection);
  if (own != subscriptions_.end() && own->second.size() >= limits_.subscriptions_each)
    return too_many(limits_.subscriptions_each, "subscriptions of this connection");
  Bytes id(kSubscriptionIdBytes);
  BMSG_TRY(entropy.fill(id));
  const std::string name = add(subscription_id(id), std::move(criteria), connection);
  subscriptions_[connection].insert(name);
  ++subscribed_;
  return name;
}

std::string WhisperFilters::add(std::string name, WhisperCriteria criteria,
                                std::optional<WhisperConnection> connection) {
  Key& key = keys_[criteria.slot.public_key()];
  if (!key.slot) {
    key.id = std::move(criteria.key);
    key.kind = criteria.slot.kind();
    key.slot = std::move(criteria.slot);
  }
  const auto [at, is_new] = filters_.try_emplace(std::move(name));
  check(is_new, "a random id that was drawn before");
  Filter& filter = at->second;
  filter.key = &key;
  filter.sender = std::move(criteria.sender);
  filter.pow_min = criteria.pow_min;
  filter.topics = std::move(criteria.topics);
  filter.connection = connection;
  key.filters.push_back(&filter);
  return at->first;
}

WhisperFilters::Filters::iterator WhisperFilters::remove(Filters::iterator at) {
  Key& key = *at->second.key;
  std::erase(key.filters, &at->second);
  if (key.filters.empty()) std::erase_if(keys_, [&](auto& one) { return &one.second == &key; });
  return filters_.erase(at);
}

std::optional<std::vector<SharedWhisperMessage>> WhisperFilters::take(std::string_view filter) {
  const auto found = filters_.find(filter);
  if (found == filters_.end() || found->second.connection) return std::nullopt;
  std::vector<SharedWhisperMessage> taken;
  for (auto& [order, message] : found->second.waiting) taken.push_back(std::move(message));
  found->second.waiting.clear();
  found->second.bytes = 0;
  return taken;
}

bool WhisperFilters::remove_filter(std::string_view filter) {
  const auto found = filters_.find(filter);
  if (found == filters_.end() || found->second.connection) return false;
  remove(found);
  return true;
}

bool WhisperFilters::unsubscribe(WhisperConnection connection, std::string_view subscription) {
  const auto found = filters_.find(subscription);
  if (found == filters_.end() || found->second.connection != connection) return false;
  subscriptions_[connection].erase(found->first);
  --subscribed_;
  remove(found);
  return true;
}

/// False: it was offered before.
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

void WhisperFilters::keep(Filter& filter, SharedWhisperMessage message) const {
  filter.bytes += bytes_of_message(*message);
  filter.waiting.emplace_back(offered_, std::move(message));
  const auto is_full = [&] {
    return filter.waiting.size() > limits_.messages || filter.bytes > limits_.bytes;
  };
  while (filter.waiting.size() > 1 && is_full()) {
    filter.bytes -= bytes_of_message(*filter.waiting.front().second);
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
  for (auto& [name, key] : keys_) offer_to(key, message, id, pow);
}

void WhisperFilters::offer_to(Key& key, const Message& message, const MessageId& id, double pow) {
  const MessageHead& head = message.head;
  if (!key.slot || head.suite != key.slot->suite()) return;
  const auto wants = [&](const Filter* filter) { return filter->may_match(head, pow); };
  if (std::ranges::none_of(key.filters, wants)) return;
  const SharedWhisperMessage opened = open_with(*key.slot, message, id, chain_, pow);
  if (!opened) return;
  for (Filter* const filter : key.filters) {
    if (!wants(filter)) continue;
    if (!filter->sender.empty() && filter->sender != opened->sender) continue;
    keep(*filter, opened);
    if (filter->connection) ready_.insert(*filter->connection);
  }
}

void WhisperFilters::skip(const MessageHead& head, UnixSeconds now) {
  if (head.expiry() > now.value) remember(chain::id_of(head), head.expiry(), now);
}

std::vector<WhisperConnection> WhisperFilters::take_ready() {
  std::vector<WhisperConnection> taken(ready_.begin(), ready_.end());
  ready_.clear();
  return taken;
}

std::vector<WhisperNotification> WhisperFilters::take_notifications(WhisperConnection connection) {
  std::vector<std::pair<std::uint64_t, WhisperNotification>> found;
  const auto own = subscriptions_.find(connection);
  if (own == subscriptions_.end()) return {};
  for (const std::string& name : own->second) {
    Filter& filter = filters_.find(name)->second;
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
  const auto own = subscriptions_.find(connection);
  if (own == subscriptions_.end()) return;
  for (const std::string& name : own->second) remove(filters_.find(name));
  subscribed_ -= own->second.size();
  subscriptions_.erase(own);
  ready_.erase(connection);
}

void WhisperFilters::forget_keys() {
  for (auto& [name, key] : keys_) key.slot.reset();
}

void WhisperFilters::restore_keys(const WhisperKeys& keys) {
  for (auto& [public_key, key] : keys_) {
    const auto* const secret = keys.find(key.kind, key.id);
    if (secret != nullptr) key.slot.emplace(key.kind, *secret, chain_);
  }
}

std::size_t WhisperFilters::waiting() const {
  std::size_t count = 0;
  for (const auto& [name, filter] : filters_) count += filter.waiting.size();
  return count;
}

}  // namespace bmsg::api
