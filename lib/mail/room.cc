#include "lib/mail/room.h"

#include <algorithm>
#include <limits>

#include "lib/core/big_endian.h"
#include "lib/core/byte_reader.h"
#include "lib/core/check.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/hpke.h"
#include "lib/crypto/random.h"
#include "lib/crypto/sha512.h"
#include "lib/mail/contact_book.h"
#include "lib/mail/text.h"

namespace bmsg::mail {
namespace {

constexpr std::size_t kMarkDigits = 2 * kRoomIdBytes;

/// In its place by epoch. All but the newest are replaced, at the latest now; of too many the
/// oldest go.
void insert_key(Room& room, RoomSecret key, UnixSeconds now) {
  const auto place = std::ranges::lower_bound(room.keys, key.epoch, {}, &RoomSecret::epoch);
  room.keys.insert(place, std::move(key));
  for (RoomSecret& one : room.keys) {
    const bool newest = &one == &room.keys.back();
    if (!newest && one.replaced.value == 0) one.replaced = now;
  }
  if (room.keys.size() > kRoomKeysMax) room.keys.erase(room.keys.begin());
}

/// Whether the last message that was sealed to a secret has expired.
bool is_over(const RoomSecret& key, UnixSeconds now, std::uint32_t ttl_max) {
  return key.replaced.value != 0 && key.replaced.value + ttl_max < now.value;
}

/// What our other device knows of the members: all of an epoch's grants together.
void take_members(Room& room, const Grant& grant, bool is_new_epoch) {
  if (!grant.tells_members || grant.epoch != newest_key(room).epoch) return;
  if (is_new_epoch) room.members.clear();
  for (const IdentityKey& member : grant.to) {
    const bool there = std::ranges::find(room.members, member) != room.members.end();
    if (!there && member != room.keeper && room.members.size() < kRoomMembersMax)
      room.members.push_back(member);
  }
}

}  // namespace

crypto::SecretBytes room_private_key(const crypto::SecretBytes& secret) {
  return crypto::derive_private_key(crypto::KemId::x25519_hkdf_sha256, secret.view());
}

Bytes room_public_key(const crypto::SecretBytes& secret) {
  const auto made = crypto::public_key_of(crypto::Curve::x25519, room_private_key(secret));
  check(made.has_value(), "a derived key is no key");
  return *made;
}

Topic room_topic(ByteView public_key, std::uint64_t time) {
  Bytes day;
  append_be(day, static_cast<std::uint32_t>(time / kRoomTopicSeconds));
  return prefix_of<Topic>(crypto::sha512({as_bytes("bmsg1 room"), public_key, day}));
}

Result<Room> make_room(const std::string& name, const IdentityKey& keeper, Entropy& entropy) {
  Room made;
  made.id.resize(kRoomIdBytes);
  BMSG_TRY(entropy.fill(made.id));
  made.name = name;
  made.keeper = keeper;
  RoomSecret first{.epoch = kFirstEpoch, .secret = {}};
  BMSG_TRY_ASSIGN(first.secret, crypto::random_secret(entropy, kRoomSecretBytes));
  made.keys.push_back(std::move(first));
  return made;
}

Result<Done> add_epoch(Room& room, UnixSeconds now, Entropy& entropy) {
  const std::uint64_t epoch = std::uint64_t{newest_key(room).epoch} + 1 + room.skip;
  if (epoch > std::numeric_limits<std::uint32_t>::max())
    return Error{Errc::bad_input, "the room has used its last epoch; make another room"};
  RoomSecret next{.epoch = static_cast<std::uint32_t>(epoch), .secret = {}};
  BMSG_TRY_ASSIGN(next.secret, crypto::random_secret(entropy, kRoomSecretBytes));
  insert_key(room, std::move(next), now);
  room.skip = 0;
  return done;
}

std::optional<UnixSeconds> lost_with_next_epoch(const Room& room, UnixSeconds now,
                                                std::uint32_t ttl_max) {
  if (room.keys.size() < kRoomKeysMax) return std::nullopt;
  const RoomSecret& oldest = room.keys.front();
  if (is_over(oldest, now, ttl_max)) return std::nullopt;
  const UnixSeconds since = oldest.replaced.value == 0 ? now : oldest.replaced;
  return UnixSeconds{since.value + ttl_max};
}

const RoomSecret& newest_key(const Room& room) {
  check(!room.keys.empty(), "a room without a secret");
  return *std::ranges::max_element(room.keys, {}, &RoomSecret::epoch);
}

const RoomSecret* find_key(const Room& room, std::uint32_t epoch) {
  const auto found = std::ranges::find(room.keys, epoch, &RoomSecret::epoch);
  return found == room.keys.end() ? nullptr : &*found;
}

Room* find_room(std::vector<Room>& rooms, ByteView id) {
  const auto found =
      std::ranges::find_if(rooms, [&](const Room& one) { return std::ranges::equal(one.id, id); });
  return found == rooms.end() ? nullptr : &*found;
}

const Room* find_room(const std::vector<Room>& rooms, ByteView id) {
  const auto found =
      std::ranges::find_if(rooms, [&](const Room& one) { return std::ranges::equal(one.id, id); });
  return found == rooms.end() ? nullptr : &*found;
}

std::size_t drop_old_keys(Room& room, UnixSeconds now, std::uint32_t ttl_max) {
  const std::uint32_t newest = newest_key(room).epoch;
  return std::erase_if(room.keys, [&](const RoomSecret& key) {
    return is_over(key, now, ttl_max) && key.epoch != newest;
  });
}

Content grant_content(const Room& room, const RoomSecret& key) {
  Content content;
  content.kind = Kind::room_grant;
  content.subject = room.name;
  content.grant = to_bytes(key.secret.view());
  append_be(content.grant, key.epoch);
  content.thread = ThreadId::from(room.id);
  return content;
}

std::optional<Grant> read_grant(const Opened& opened) {
  const Content& content = opened.content;
  const auto granter = content.identity();
  if (opened.fault || content.kind != Kind::room_grant || !granter || !content.thread)
    return std::nullopt;
  if (opened.signature != SignatureState::good) return std::nullopt;
  ByteReader reader(content.grant);
  Grant grant{.id = to_bytes(content.thread->view()),
              .name = snippet(content.subject, kNameBytesMax),
              .granter = *granter,
              .epoch = 0,
              .secret = crypto::SecretBytes::from(reader.take(kRoomSecretBytes))};
  grant.epoch = reader.integer<std::uint32_t>();
  if (!reader.finished()) return std::nullopt;
  return grant;
}

GrantOutcome take_grant(std::vector<Room>& rooms, Grant grant, const MessageId& message,
                        UnixSeconds now) {
  Room* known = find_room(rooms, grant.id);
  if (known == nullptr) {
    if (rooms.size() >= kRoomsMax) return GrantOutcome::full;
    Room made;
    made.id = grant.id;
    made.name = grant.name;
    made.keeper = grant.granter;
    made.keys.push_back({grant.epoch, grant.secret.clone()});
    take_members(made, grant, true);
    rooms.push_back(std::move(made));
    return GrantOutcome::room;
  }
  if (known->keeper != grant.granter) return GrantOutcome::not_keeper;
  const RoomSecret* same = find_key(*known, grant.epoch);
  if (same == nullptr) {
    const bool newer = grant.epoch > newest_key(*known).epoch;
    // Where all places are taken by later ones it would be the first to go.
    if (!newer && known->keys.size() >= kRoomKeysMax && grant.epoch < known->keys.front().epoch)
      return GrantOutcome::known;
    insert_key(*known, {grant.epoch, grant.secret.clone()}, now);
    if (known->name.empty() && newer) known->name = grant.name;
    take_members(*known, grant, newer);
    return GrantOutcome::epoch;
  }
  if (crypto::equal_in_constant_time(same->secret.view(), grant.secret.view())) {
    take_members(*known, grant, false);
    return GrantOutcome::known;
  }
  const RoomAlarm alarm{grant.epoch, message};
  const bool noted = std::ranges::find(known->alarms, alarm) != known->alarms.end();
  if (!noted && known->alarms.size() < kRoomAlarmsMax) known->alarms.push_back(alarm);
  return GrantOutcome::alarm;
}

crypto::SecretBytes shared_room(const Room& room) {
  const RoomSecret& key = newest_key(room);
  Bytes text;
  // A buffer that grows leaves the secret behind.
  text.reserve(room.id.size() + sizeof key.epoch + kRoomSecretBytes + IdentityKey::kSize);
  append(text, room.id);
  append_be(text, key.epoch);
  append(text, key.secret.view());
  append(text, room.keeper.view());
  crypto::SecretBytes shared = crypto::SecretBytes::from(text);
  crypto::wipe(text);
  return shared;
}

std::optional<Room> room_in(ByteView shared) {
  ByteReader reader(shared);
  Room room;
  room.id = to_bytes(reader.take(kRoomIdBytes));
  RoomSecret key;
  key.epoch = reader.integer<std::uint32_t>();
  key.secret = crypto::SecretBytes::from(reader.take(kRoomSecretBytes));
  room.keeper = reader.fixed<IdentityKey>();
  if (!reader.finished()) return std::nullopt;
  room.keys.push_back(std::move(key));
  return room;
}

std::string room_mark(ByteView id, std::string_view name) {
  return to_hex(id) + " " + std::string(name);
}

Bytes room_id_in(std::string_view mark) {
  if (mark.size() <= kMarkDigits || mark[kMarkDigits] != ' ') return {};
  return from_hex(mark.substr(0, kMarkDigits)).value_or(Bytes());
}

std::string room_name_in(std::string_view mark) {
  if (room_id_in(mark).empty()) return std::string(mark);
  return std::string(mark.substr(kMarkDigits + 1));
}

}  // namespace bmsg::mail
