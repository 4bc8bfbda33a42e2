#include "lib/mail/room_scan.h"

#include <algorithm>
#include <set>

#include "lib/core/big_endian.h"
#include "lib/core/byte_reader.h"
#include "lib/core/try.h"
#include "lib/crypto/kdf.h"
#include "lib/mail/room.h"

namespace bmsg::mail {
namespace {

// The value: how many marks, marks of keys that are done; then, while the past is looked through,
// marks of those it is looked through for and the place.
constexpr const char* kValue = "rooms";
constexpr std::size_t kMarkBytes = 16;
constexpr std::size_t kDaysMax = 64;  // Tables that are kept.

Bytes mark_of(const RoomKey& key, const crypto::SecretBytes& mailbox_key) {
  Bytes text = to_bytes("bmsg1 room key");
  append(text, key.public_key);
  const auto mac = crypto::hmac(crypto::Hash::sha512, mailbox_key.view(), text);
  return to_bytes(mac.view().first(kMarkBytes));
}

Bytes joined(const std::set<Bytes>& marks) {
  Bytes all;
  for (const Bytes& mark : marks) append(all, mark);
  return all;
}

void put_list(Bytes& out, ByteView marks) {
  append_be(out, static_cast<std::uint32_t>(marks.size() / kMarkBytes));
  append(out, marks);
}

ByteView take_list(ByteReader& in) {
  return in.take(std::size_t{in.integer<std::uint32_t>()} * kMarkBytes);
}

bool holds(ByteView marks, ByteView mark) {
  for (std::size_t at = 0; at < marks.size(); at += kMarkBytes) {
    if (std::ranges::equal(marks.subspan(at, kMarkBytes), mark)) return true;
  }
  return false;
}

std::uint32_t word_of(const Topic& topic) { return load_be<std::uint32_t>(topic.data()); }

}  // namespace

RoomTopics::RoomTopics(const std::vector<RoomKey>& keys) {
  for (const RoomKey& key : keys) keys_.push_back(&key);
}

const RoomTopics::Table& RoomTopics::table_of(std::uint64_t day) {
  const auto known = days_.find(day);
  if (known != days_.end()) return known->second;
  if (days_.size() >= kDaysMax) days_.clear();
  Table& table = days_[day];
  for (const RoomKey* key : keys_) {
    for (const std::uint64_t near : {day, day - 1, day + 1}) {
      auto& there = table[word_of(room_topic(key->public_key, near * kRoomTopicSeconds))];
      if (std::ranges::find(there, key) == there.end()) there.push_back(key);
    }
  }
  return table;
}

const std::vector<const RoomKey*>& RoomTopics::keys_for(const MessageHead& head) {
  static const std::vector<const RoomKey*> kNone;
  if (keys_.empty() || head.suite != Suite::sealed) return kNone;
  const Table& table = table_of(head.time / kRoomTopicSeconds);
  const auto found = table.find(word_of(head.topic));
  return found == table.end() ? kNone : found->second;
}

Result<std::optional<Bytes>> RoomBacklog::value_in(const MailReader& mail) {
  return mail.value(kValue);
}

Result<RoomBacklog> RoomBacklog::read(const MailReader& mail, const MailKeys& keys) {
  RoomBacklog read;
  BMSG_TRY_ASSIGN(read.as_read_, value_in(mail));
  ByteReader in(read.as_read_ ? ByteView(*read.as_read_) : ByteView());
  ByteView done_before;
  if (in.size_left() > 0) done_before = take_list(in);

  std::set<Bytes> known;
  std::set<Bytes> all;
  std::set<Bytes> fresh;
  for (const RoomKey& key : keys.rooms) {
    const Bytes mark = mark_of(key, keys.mailbox_key);
    all.insert(mark);
    if (holds(done_before, mark)) known.insert(mark);
    if (known.contains(mark)) continue;
    fresh.insert(mark);
    read.fresh_.push_back(&key);
  }
  read.known_ = joined(known);
  read.all_ = joined(all);
  if (in.size_left() == 0) return read;
  const ByteView under_way = take_list(in);
  WalkPlace place;
  place.height.value = in.integer<std::uint32_t>();
  place.hash = in.fixed<BlockHash>();
  if (!in.finished()) return Error{Errc::corrupt, "mail index: the list of rooms is damaged"};
  // With another key beside, it begins anew.
  const Bytes now = joined(fresh);
  if (std::ranges::equal(under_way, now)) read.place_ = place;
  return read;
}

Result<Done> RoomBacklog::walk_on(const node::ChainReader& chain, Height end, WalkLimits limits,
                                  const WalkVisit& visit, MailChange& change) {
  const std::uint32_t at = place_ ? place_->height.value : 0;
  if (at < end.value) {
    limits.blocks = std::min(std::max(limits.blocks, 1u), end.value - at);
    BMSG_TRY_ASSIGN(const Walked walked, walk(chain, place_, limits, visit));
    place_ = walked.place;
    // The chain may have become shorter: then it was seen to its end.
    if (walked.more && place_->height < end) {
      keep_place(change);
      return done;
    }
  }
  BMSG_TRY_ASSIGN(const auto pooled, chain.pool(0));
  for (const node::PooledMessage& one : pooled) BMSG_TRY(visit(one.id, one.message));
  settle(change);
  return done;
}

void RoomBacklog::keep_place(MailChange& change) const {
  Bytes value;
  put_list(value, known_);
  // All that are not known are fresh, and in the order of their marks.
  Bytes fresh;
  for (std::size_t i = 0; i < all_.size(); i += kMarkBytes) {
    const ByteView mark = ByteView(all_).subspan(i, kMarkBytes);
    if (!holds(known_, mark)) append(fresh, mark);
  }
  put_list(value, fresh);
  append_be(value, place_->height.value);
  append(value, place_->hash.view());
  change.values[kValue] = std::move(value);
}

void RoomBacklog::settle(MailChange& change) const {
  Bytes value;
  if (!all_.empty()) put_list(value, all_);
  const auto wanted = all_.empty() ? std::nullopt : std::optional(std::move(value));
  if (wanted != as_read_) change.values[kValue] = wanted;
}

}  // namespace bmsg::mail
