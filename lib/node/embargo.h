// Embargo: our own new messages that only one peer may see for a while, so that others cannot tell
// where they began.
//
// The peer is drawn anew each hour: a new draw for each message would soon meet every spy.

#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "lib/core/clock.h"
#include "lib/core/entropy.h"
#include "lib/core/ids.h"
#include "lib/core/result.h"

namespace bmsg::node {

/// A message is kept back for a time drawn between these.
inline constexpr std::chrono::seconds kEmbargoMin{30};
inline constexpr std::chrono::seconds kEmbargoMax{120};
/// So long one peer gets all that is ours.
inline constexpr std::chrono::hours kConfidantTime{1};

/// Threads: any.
/// Source:  bmsg-protocol(7), "Where a message begins".
class Embargo {
 public:
  using Moment = std::chrono::steady_clock::time_point;

  /// Both must outlive it.
  Embargo(const Clock& clock, Entropy& entropy) : clock_(clock), entropy_(entropy) {}

  /// Says who can be called now. One of those that take messages is drawn unless the last one is
  /// among them and its hour is not over. With nobody, all that is kept back is due.
  Result<Done> set_callable(const std::vector<std::string>& callable);
  /// Whether this one takes messages, as it said last; who said nothing does.
  void note_takes(const std::string& url, bool takes);
  std::optional<std::string> confidant() const;
  bool is_confidant(const std::string& url) const;

  /// Keeps a new message of ours back; false if there is nobody to give it to.
  Result<bool> keep(const MessageId& id);
  bool keeps(const MessageId& id) const;
  /// It is no secret any more; false if it was none.
  bool end(const MessageId& id);
  std::vector<MessageId> kept() const;

  /// When the first of them is due; nullopt if none is kept.
  std::optional<Moment> next_due() const;
  /// Ends those whose time has come.
  std::vector<MessageId> take_due();

 private:
  const Clock& clock_;
  Entropy& entropy_;
  mutable std::mutex mutex_;
  std::unordered_set<std::string> takes_nothing_;
  std::optional<std::string> confidant_;
  Moment drawn_;
  std::unordered_map<MessageId, Moment, FixedBytesHash> due_;
};

}  // namespace bmsg::node
