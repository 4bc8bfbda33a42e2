// Rooms: a key pair whose private half the members share, and how it is handed on.
//
// A room is 32 random bytes. Whoever has its public half can post to it: a message is sealed to
// that one key, under a topic that members find without trying keys. The keeper, who made the room,
// grants the secret to members in sealed messages; to put somebody out, a new secret is granted to
// the rest: a new epoch. Members post to the newest and read all that they have.
// Source: bmsg-format(5), "Rooms".

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/core/entropy.h"
#include "lib/mail/keyring.h"
#include "lib/mail/open.h"

namespace bmsg::mail {

inline constexpr std::size_t kRoomIdBytes = 16;
inline constexpr std::size_t kRoomSecretBytes = 32;
inline constexpr std::uint32_t kFirstEpoch = 1;
inline constexpr std::size_t kRoomsMax = 1000;   // A contact cannot fill the keyring.
inline constexpr std::size_t kRoomKeysMax = 64;  // Epochs of one room; the oldest go first.
inline constexpr std::size_t kRoomMembersMax = 1000;
inline constexpr std::size_t kRoomAlarmsMax = 16;

/// The key pair of a secret: DeriveKeyPair of RFC 9180 for X25519.
crypto::SecretBytes room_private_key(const crypto::SecretBytes& secret);
Bytes room_public_key(const crypto::SecretBytes& secret);

/// The topic of a message of this time, in seconds: another one each day.
Topic room_topic(ByteView public_key, std::uint64_t time);
inline constexpr std::uint64_t kRoomTopicSeconds = 86400;

/// A room with a first secret and nobody in it.
Result<Room> make_room(const std::string& name, const IdentityKey& keeper, Entropy& entropy);

/// A secret for the next epoch, behind those that are to be left out. Errors: Errc::bad_input where
/// the last number is used.
Result<Done> add_epoch(Room& room, UnixSeconds now, Entropy& entropy);

/// Until when the secret may be needed that one more epoch would push out; nullopt: it pushes out
/// none that is.
std::optional<UnixSeconds> lost_with_next_epoch(const Room& room, UnixSeconds now,
                                                std::uint32_t ttl_max);

/// The secret that is posted to. A room has at least one.
const RoomSecret& newest_key(const Room& room);
const RoomSecret* find_key(const Room& room, std::uint32_t epoch);
Room* find_room(std::vector<Room>& rooms, ByteView id);
const Room* find_room(const std::vector<Room>& rooms, ByteView id);

/// Forgets secrets whose last message has expired: replaced longer ago than any message lives.
/// How many there were.
std::size_t drop_old_keys(Room& room, UnixSeconds now, std::uint32_t ttl_max);

/// A secret as it is handed on.
struct Grant {
  Bytes id;
  std::string name;     // Untrusted text; may be empty.
  IdentityKey granter;  // Who signed it.
  std::uint32_t epoch = 0;
  crypto::SecretBytes secret;
  std::vector<IdentityKey> to{};  // Whom it went to, if our other device granted it.
  bool tells_members = false;     // That device has told so, be it nobody.
};

/// What a grant says; sender and the like are not set.
Content grant_content(const Room& room, const RoomSecret& key);
/// The grant in a message; nullopt if it is none, or nobody signed it.
std::optional<Grant> read_grant(const Opened& opened);

/// What became of a grant.
enum class GrantOutcome : std::uint8_t {
  known,       // Nothing new.
  room,        // A room that was not known: its granter is its keeper from now on.
  epoch,       // Another secret of a room.
  not_keeper,  // Left: somebody who is not the keeper granted it.
  alarm,       // Left, and noted: the keeper gave another secret for this epoch before.
  full,        // Left: there are too many rooms.
};

/// Takes a grant that was accepted from its granter. `message` is where it stands.
GrantOutcome take_grant(std::vector<Room>& rooms, Grant grant, const MessageId& message,
                        UnixSeconds now);

/// The newest secret as an invite carries it: id, epoch, secret, keeper.
crypto::SecretBytes shared_room(const Room& room);
/// The room in an invite, without a name; nullopt for another length.
std::optional<Room> room_in(ByteView shared);
inline constexpr std::size_t kSharedRoomBytes = kRoomIdBytes + 4 + kRoomSecretBytes + 32;

/// The room a message was posted to, as its summary keeps it: the id in hex, a space, and the
/// name it had then.
std::string room_mark(ByteView id, std::string_view name);
/// Empty if it is no mark.
Bytes room_id_in(std::string_view mark);
std::string room_name_in(std::string_view mark);

}  // namespace bmsg::mail
