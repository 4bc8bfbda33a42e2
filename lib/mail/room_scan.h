// Finding what was posted to rooms: by topic, and in the past for a secret that came later.

#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "lib/core/message.h"
#include "lib/mail/chain_walk.h"
#include "lib/mail/mail_keys.h"
#include "lib/mail/mail_store.h"

namespace bmsg::mail {

/// Which room keys to try on a message: looked up by its topic, one table for each day. Costs
/// nothing where no topic is met, however many rooms there are.
/// Threads: one at a time. The keys must outlive it.
class RoomTopics {
 public:
  explicit RoomTopics(const std::vector<RoomKey>& keys);
  explicit RoomTopics(std::vector<const RoomKey*> keys) : keys_(std::move(keys)) {}

  /// Keys whose topic this is, on the day of the head or one beside it: a sender may have made the
  /// topic on one side of midnight and the head on the other. A view of `this` until the next call.
  const std::vector<const RoomKey*>& keys_for(const MessageHead& head);

 private:
  using Table = std::unordered_map<std::uint32_t, std::vector<const RoomKey*>>;
  const Table& table_of(std::uint64_t day);

  std::vector<const RoomKey*> keys_;
  std::unordered_map<std::uint64_t, Table> days_;
};

/// Room keys that came after the index had been filled, and how far the past has been looked
/// through for them. Two small values of the index; the mailbox key hides which rooms they are.
class RoomBacklog {
 public:
  static Result<RoomBacklog> read(const MailReader& mail, const MailKeys& keys);
  /// What a change rests on.
  static Result<std::optional<Bytes>> value_in(const MailReader& mail);

  bool is_empty() const { return fresh_.empty(); }
  const std::vector<const RoomKey*>& fresh() const { return fresh_; }

  /// Some more blocks up to `end`, then the pool; the change says how far, and at the end that
  /// nothing is fresh any more.
  Result<Done> walk_on(const node::ChainReader& chain, Height end, WalkLimits limits,
                       const WalkVisit& visit, MailChange& change);
  /// All keys have been tried on everything.
  void settle(MailChange& change) const;

 private:
  void keep_place(MailChange& change) const;

  std::vector<const RoomKey*> fresh_;
  Bytes known_;  // Marks of 16 bytes of all keys but the fresh ones.
  Bytes all_;    // Of all.
  std::optional<WalkPlace> place_;
  std::optional<Bytes> as_read_;
};

}  // namespace bmsg::mail
