// What filters and subscriptions wait for, and what they have not handed out yet.
//
// Every message of the chain is offered once or more, when it enters the pool and when a block
// holds it; each is looked at once. What a filter collects is bounded: the oldest goes first.

#pragma once

#include <deque>
#include <map>
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
  Bytes sender = {};               // Empty: anybody.
  double pow_min = 0;              // On top of the gateway's.
  std::vector<Topic> topics = {};  // None: any.
};

/// The bounds of the whole gateway on one message.
struct WhisperBounds {
  double pow_min = 0;
  std::uint64_t bytes_max = 0;
};

struct WhisperFilterLimits {
  std::size_t filters = 128;  // And subscriptions.
  std::size_t messages = 1024;
  std::size_t bytes = 1u << 20;   // Of one filter's messages, each counted with 512 more.
  std::size_t seen = 128 * 1024;  // Ids that are remembered.
};

/// Whose subscription it is: notifications go where it was asked for, and nowhere else.
using WhisperConnection = std::uint64_t;

struct WhisperNotification {
  std::string subscription;
  WhisperMessage message;
};

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
  std::optional<std::vector<WhisperMessage>> take(std::string_view filter);
  bool remove_filter(std::string_view filter);
  bool unsubscribe(WhisperConnection connection, std::string_view subscription);

  /// Hands the message to all that it is for, unless it was offered before. Without its body it
  /// counts as not offered.
  void offer(const Message& message, const WhisperBounds& bounds, UnixSeconds now);

  /// In the order of the messages; they are not given again.
  std::vector<WhisperNotification> take_notifications(WhisperConnection connection);
  /// The connection is no more.
  void close(WhisperConnection connection);

  /// Messages that nobody has taken yet.
  std::size_t waiting() const;

 private:
  struct Filter {
    WhisperCriteria criteria;
    std::optional<WhisperConnection> connection;                        // None: it is polled.
    std::deque<std::pair<std::uint64_t, WhisperMessage>> waiting = {};  // With its place in order.
    std::size_t bytes = 0;
  };

  bool remember(const MessageId& id, std::uint64_t expiry, UnixSeconds now);
  void keep(Filter& filter, WhisperMessage message) const;
  Result<Done> check_room() const;

  ChainId chain_;
  WhisperFilterLimits limits_;
  std::map<std::string, Filter, std::less<>> filters_;
  std::uint64_t offered_ = 0;
  std::map<MessageId, std::uint64_t> seen_;               // With its expiry.
  std::set<std::pair<std::uint64_t, MessageId>> expiry_;  // The same, the first to expire first.
};

}  // namespace bmsg::api
