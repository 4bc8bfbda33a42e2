// What filters and subscriptions wait for, and what they have not handed out yet.
//
// Every message of the chain is offered once or more, when it enters the pool and when a block
// holds it; each is looked at once. What a filter collects is bounded: the oldest goes first.

#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lib/api/json_guard.h"
#include "lib/api/whisper_slot.h"
#include "lib/core/entropy.h"

namespace bmsg::api {

/// A message as clients see it.
struct WhisperMessage {
  Bytes sender;     // Public key, 65 bytes; empty: nobody signed it.
  Bytes recipient;  // The same; empty: sealed with a symmetric key.
  std::uint32_t ttl = 0;
  std::uint32_t time = 0;
  Topic topic;
  Bytes payload;
  double pow = 0;
  MessageId id;
};

Json to_json(const WhisperMessage& message);
/// The first 32 bytes of an id, which is as long as clients know hashes.
std::string whisper_hash(const MessageId& id);

/// Whisper's measure of work: hashes for each byte and second.
double whisper_pow(const MessageHead& head, const MessageId& id, std::uint64_t nonce);

/// What one filter lets through.
struct WhisperCriteria {
  WhisperSlot slot;
  std::string key = {};            // The id of its key.
  Bytes sender = {};               // Empty: anybody.
  double pow_min = 0;              // On top of the gateway's.
  std::vector<Topic> topics = {};  // None: any. Ascending.
};

/// The bounds of the whole gateway on one message.
struct WhisperBounds {
  double pow_min = 0;
  std::uint64_t bytes_max = 0;
};

struct WhisperFilterLimits {
  std::size_t filters = 128;  // That are polled.
  std::size_t subscriptions = 2048;
  std::size_t subscriptions_each = 256;  // Of one connection.
  std::size_t messages = 1024;
  std::size_t bytes = 3u << 20;   // Of one filter's messages, each counted with 512 more.
  std::size_t seen = 128 * 1024;  // Ids that are remembered.
};

/// Whose subscription it is: notifications go where it was asked for, and nowhere else.
using WhisperConnection = std::uint64_t;

/// One message, whoever waits for it.
using SharedWhisperMessage = std::shared_ptr<const WhisperMessage>;

struct WhisperNotification {
  std::string subscription;
  SharedWhisperMessage message;
};

/// Opens each message once for each key, however many wait with that key.
/// Threads: one at a time.
class WhisperFilters {
 public:
  explicit WhisperFilters(const ChainId& chain, const WhisperFilterLimits& limits = {})
      : chain_(chain), limits_(limits) {}

  /// The new one's id: of a filter 64 hex digits, of a subscription 0x and up to 32.
  /// Errors: Errc::no_resource.
  Result<std::string> add_filter(WhisperCriteria criteria, Entropy& entropy);
  Result<std::string> subscribe(WhisperConnection connection, WhisperCriteria criteria,
                                Entropy& entropy);
  /// What came since the last call; nullopt for an unknown filter.
  std::optional<std::vector<SharedWhisperMessage>> take(std::string_view filter);
  bool remove_filter(std::string_view filter);
  bool unsubscribe(WhisperConnection connection, std::string_view subscription);

  /// Hands the message to all that it is for, unless it was offered before. Without its body it
  /// counts as not offered.
  void offer(const Message& message, const WhisperBounds& bounds, UnixSeconds now);

  /// Counts the message as offered without handing it to anybody: it was there before.
  void skip(const MessageHead& head, UnixSeconds now);

  /// Connections that have notifications since the last call.
  std::vector<WhisperConnection> take_ready();
  /// In the order of the messages; they are not given again.
  std::vector<WhisperNotification> take_notifications(WhisperConnection connection);
  /// The connection is no more.
  void close(WhisperConnection connection);

  /// Messages that nobody has taken yet.
  std::size_t waiting() const;

  /// Wipes the secrets: nothing is to be offered until they are back.
  void forget_keys();
  /// Brings them back; a filter whose key was deleted meanwhile gets nothing any more.
  void restore_keys(const WhisperKeys& keys);

 private:
  struct Key;
  struct Filter {
    Key* key = nullptr;
    Bytes sender = {};
    double pow_min = 0;
    std::vector<Topic> topics = {};
    std::optional<WhisperConnection> connection = {};                         // None: it is polled.
    std::deque<std::pair<std::uint64_t, SharedWhisperMessage>> waiting = {};  // With its place.
    std::size_t bytes = 0;

    bool may_match(const MessageHead& head, double pow) const;
  };
  /// What is tried on messages, for all filters that wait with it.
  struct Key {
    std::string id;
    WhisperKeyKind kind = WhisperKeyKind::symmetric;
    std::optional<WhisperSlot> slot = {};  // None while keys are locked away.
    std::vector<Filter*> filters = {};
  };
  using Filters = std::map<std::string, Filter, std::less<>>;

  std::string add(std::string name, WhisperCriteria criteria,
                  std::optional<WhisperConnection> connection);
  Filters::iterator remove(Filters::iterator at);
  void offer_to(Key& key, const Message& message, const MessageId& id, double pow);
  bool remember(const MessageId& id, std::uint64_t expiry, UnixSeconds now);
  void keep(Filter& filter, SharedWhisperMessage message) const;

  ChainId chain_;
  WhisperFilterLimits limits_;
  Filters filters_;
  std::map<Bytes, Key> keys_;  // By the public one.
  std::map<WhisperConnection, std::set<std::string>> subscriptions_;
  std::size_t subscribed_ = 0;
  std::set<WhisperConnection> ready_;
  std::uint64_t offered_ = 0;
  std::map<MessageId, std::uint64_t> seen_;               // With its expiry.
  std::set<std::pair<std::uint64_t, MessageId>> expiry_;  // The same, the first to expire first.
};

}  // namespace bmsg::api
