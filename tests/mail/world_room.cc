// The room of a world: its keeper lets in and puts out, all who have its secret post, and whoever
// was given the secret of an epoch reads all of that epoch, and nobody else a word.

#include <fmt/format.h>

#include <algorithm>

#include "lib/core/try.h"
#include "lib/mail/room.h"
#include "lib/mail/room_grant.h"
#include "lib/mail/scan.h"
#include "tests/mail/world.h"

namespace bmsg::mail {
namespace {

constexpr std::size_t kGrantLetter = 2'000'000;  // Of a promise: no post.

}  // namespace

void World::make_room_of_keeper() {
  WorldMember& keeper = member(kKeeper);
  keeper.keyring.rooms.push_back(make_room("ops", keeper.address(), keeper.entropy).value());
  granted_[kFirstEpoch] = {kKeeper};
}

/// What can be posted to now: the newest secret that a member has.
std::optional<RoomPost> World::room_for(Index at) {
  const auto& rooms = member(at).keyring.rooms;
  if (rooms.empty()) return std::nullopt;
  const Room& room = rooms.front();
  return RoomPost{room.id, room.name, room.keeper, room_public_key(newest_key(room).secret)};
}

std::uint32_t World::epoch_of(Index at) {
  return newest_key(member(at).keyring.rooms.front()).epoch;
}

std::set<World::Index> World::readers_of(const Post& post) const {
  if (post.epoch == 0) return post.to;
  std::set<Index> readers = granted_.at(post.epoch);
  readers.erase(post.from);
  return readers;
}

/// Somebody who is in is put out, and the others are given a new secret; or somebody is let in. The
/// keyring holds what is owed before anything of it is sent.
void World::change_room() {
  WorldMember& keeper = member(kKeeper);
  Room& room = keeper.keyring.rooms.front();
  const Index other = 1 + up_to(kMembers - 2);
  const auto in = std::ranges::find(room.members, member(other).address());
  std::vector<IdentityKey> owed_to{member(other).address()};
  if (in == room.members.end()) {
    room.members.push_back(member(other).address());
    granted_[newest_key(room).epoch].insert(other);
    count("let in");
  } else {
    room.members.erase(in);
    check(bool(add_epoch(room, keeper.clock.now(), keeper.entropy)), "epochs are used up");
    owed_to = room.members;
    auto& readers = granted_[newest_key(room).epoch];
    readers.insert(kKeeper);
    for (const IdentityKey& one : owed_to) readers.insert(index_of(one.view()).value());
    count("put out");
  }
  note(fmt::format("the room has {} members, epoch {}", room.members.size(),
                   newest_key(room).epoch));
  room.owed.push_back(owe(newest_key(room).epoch, std::move(owed_to), keeper.entropy).value());
  send_owed();
}

/// Whoever dies meanwhile comes again, and what was queued is not queued a second time.
void World::send_owed() {
  Room& room = member(kKeeper).keyring.rooms.front();
  while (!room.owed.empty() && !is_broken()) {
    Granted granted;
    const bool is_sent = attempt(kKeeper, "grant", [&](WorldMember& one) -> Result<Done> {
      BMSG_TRY_ASSIGN(granted, send_grant(room, room.owed.front(), one.context(), {}));
      return done;
    });
    for (const Sent& sent : granted.sent) promise_grant(sent.id, room.owed.front().to);
    if (!is_sent) return;
    expect(granted.missing.empty(), "somebody in the room has no card");
    // It may die before that is noted.
    if (has_faults_ && chance(10)) return kill(kKeeper);
    room.owed.erase(room.owed.begin());
  }
}

void World::promise_grant(const MessageId& id, const std::vector<IdentityKey>& to) {
  auto& promises = member(kKeeper).promises;
  if (is_broken() || std::ranges::find(promises, id, &Promise::id) != promises.end()) return;
  const auto expiry = find_expiry(kKeeper, id);
  expect(expiry.has_value(), "a grant is nowhere though its id was told");
  if (!expiry) return;
  for (const IdentityKey& one : to) grants_[id].insert(index_of(one.view()).value());
  promises.push_back({id, kGrantLetter, *expiry, false});
  count("grants sent");
}

/// The secret is in the keyring before the flag goes: who dies between the two takes it again.
/// True: there is a secret that was not there.
bool World::take_grants(Index at) {
  WorldMember& one = member(at);
  bool is_new = false;
  for (const MessageId& id : one.mail.with_flag(std::string(kGrantedFlag)).value()) {
    const MailKeys keys = one.keys();
    const auto text = one.mailbox(keys).read(id).value();
    auto grant = read_grant(text->opened);
    expect(grant.has_value(), fmt::format("member {} has a grant that is none", at));
    if (!grant) return false;
    const auto epoch = grant->epoch;
    expect(granted_[epoch].contains(at),
           fmt::format("member {} is given epoch {} of a room that is not for her", at, epoch));
    const auto outcome = take_grant(one.keyring.rooms, std::move(*grant), id, one.clock.now());
    const bool taken = outcome == GrantOutcome::room || outcome == GrantOutcome::epoch;
    expect(taken || outcome == GrantOutcome::known,
           fmt::format("member {} cannot take a grant", at));
    if (taken) count("grants taken");
    is_new = is_new || taken;
    if (has_faults_ && chance(10)) {
      kill(at);
      return false;
    }
    check(bool(one.mail.apply({.flags = {{id, {}}}})), "a flag is not kept");
  }
  return is_new;
}

/// Nothing is owed any more, and each has just the secrets that were for her.
void World::expect_all_granted() {
  expect(member(kKeeper).keyring.rooms.front().owed.empty(), "a grant is owed");
  for (const auto& [epoch, readers] : granted_) {
    for (Index at = 0; at < kMembers; ++at) {
      const auto& rooms = member(at).keyring.rooms;
      const bool has_it = !rooms.empty() && find_key(rooms.front(), epoch) != nullptr;
      expect(has_it == readers.contains(at),
             fmt::format("member {} and the secret of epoch {}: {}", at, epoch, has_it));
    }
  }
}

}  // namespace bmsg::mail
