// The shh_* and net_* methods of Whisper's JSON-RPC, on top of a chain.
//
// Whisper's network is gone and its clients are not: they make keys, post and poll as before, and
// their messages are sealed mail. Posts live at least as long as a block takes, private keys stay
// inside unless the owner allows it, and nothing here knows a socket.

#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "lib/api/whisper_filters.h"
#include "lib/api/whisper_host.h"
#include "lib/api/whisper_post.h"
#include "lib/api/whisper_rpc.h"
#include "lib/api/whisper_values.h"

namespace bmsg::api {

/// One gateway. Filters and subscriptions end with it, keys do not.
/// Threads: any. A search for a stamp holds up no other call.
class WhisperGateway {
 public:
  /// `host` must outlive it.
  explicit WhisperGateway(WhisperHost& host, const WhisperFilterLimits& limits = {});

  /// The answer to one text; nullopt if none is due. Without a connection, as over HTTP, there are
  /// no subscriptions. A stop ends a search for a stamp.
  std::optional<std::string> answer(std::string_view text,
                                    std::optional<WhisperConnection> connection,
                                    std::stop_token stop = {});

  /// Every message that enters the pool or the chain, each as often as it does. False while the
  /// host has no keys: it is to come again later.
  bool offer(const Message& message);
  /// One that was there before anybody could have asked for it.
  void skip(const MessageHead& head);

  /// Connections that have notifications since the last call.
  std::vector<WhisperConnection> take_ready();
  /// Texts for a connection, to be sent after the answer that made the subscription.
  std::vector<std::string> take_notifications(WhisperConnection connection);
  void close(WhisperConnection connection);

  /// Has the host's keys exchanged or wiped while nobody looks at them, and those of the filters
  /// too.
  void change_keys(const std::function<void()>& change);
  bool has_keys() const { return has_keys_; }

 private:
  struct Call {
    const RpcArguments& arguments;
    std::optional<WhisperConnection> connection;
    std::stop_token stop;
  };
  struct Method;
  enum class TopicNeed { none, with_symmetric_key };
  static const Method* find_method(std::string_view name);

  RpcOutcome outcome_of(const std::string& method, const Json& params, const Call& call);

  Result<Json> info(const Call& call);
  Result<Json> set_size(const Call& call);
  Result<Json> set_pow(const Call& call);
  Result<Json> set_bloom(const Call& call);
  Result<Json> trust_peer(const Call& call);
  Result<Json> agree(const Call& call);
  Result<Json> version(const Call& call);
  Result<Json> new_pair(const Call& call);
  Result<Json> add_pair(const Call& call);
  Result<Json> delete_pair(const Call& call);
  Result<Json> has_pair(const Call& call);
  Result<Json> public_key(const Call& call);
  Result<Json> private_key(const Call& call);
  Result<Json> new_symmetric(const Call& call);
  Result<Json> add_symmetric(const Call& call);
  Result<Json> password_key(const Call& call);
  Result<Json> has_symmetric(const Call& call);
  Result<Json> symmetric_key(const Call& call);
  Result<Json> delete_symmetric(const Call& call);
  Result<Json> new_filter(const Call& call);
  Result<Json> filter_messages(const Call& call);
  Result<Json> delete_filter(const Call& call);
  Result<Json> subscribe(const Call& call);
  Result<Json> unsubscribe(const Call& call);
  Result<Json> post(const Call& call);
  Result<Json> net_version(const Call& call);
  Result<Json> net_listening(const Call& call);
  Result<Json> net_peers(const Call& call);

  Result<WhisperKeys*> keys();
  Result<mail::Sealed> sealed_post(const WhisperPost& post);
  Result<Json> exported(WhisperKeyKind kind, const std::string& id, const char* unknown);
  Result<WhisperCriteria> criteria(const RpcMembers& members, TopicNeed need);
  std::uint64_t bytes_max() const;
  double pow_tolerated() const;
  std::string shown_text(const SharedWhisperMessage& message);

  WhisperHost& host_;
  std::mutex keys_mutex_;  // Of the host's keys; before the other.
  std::atomic<bool> has_keys_;
  mutable std::mutex mutex_;  // Of all that follows.
  WhisperFilters filters_;
  SharedWhisperMessage printed_;  // The last one that was printed, for the next who waits for it.
  std::string printed_text_;
  std::uint32_t size_max_ = 1024 * 1024;  // Bytes, as clients have set it.
  double pow_min_ = 0.2;
  double pow_before_ = 0.2;  // Tolerated until then.
  std::optional<std::chrono::steady_clock::time_point> pow_until_;
};

}  // namespace bmsg::api
