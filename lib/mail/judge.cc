#include "lib/mail/judge.h"

#include <algorithm>

#include "lib/mail/approval.h"
#include "lib/mail/card.h"
#include "lib/mail/room.h"
#include "lib/mail/sent_to.h"

namespace bmsg::mail {
namespace {

bool is_reader(const Summary& summary, const IdentityKey& owner) {
  return std::ranges::find(summary.to, owner, &Addressee::address) != summary.to.end();
}

}  // namespace

bool may_be_ours(const Message& message, const std::vector<const RoomKey*>& rooms,
                 const MailKeys& keys, bool is_light) {
  const MessageHead& head = message.head;
  if (!message.body && !is_light) return false;  // Dropped before we could read it.
  if (head.suite == Suite::open) return message.body.has_value();
  if (head.suite != Suite::sealed) return false;
  return !rooms.empty() || std::ranges::any_of(keys.live, [&](const LiveKey& key) {
    return key.inbox.matches(head.topic);
  });
}

Verdict Judge::judge(const Question& question) {
  const Message& message = question.message;
  if (!message.body) return {.summary = {}, .is_absent = opens(question)};
  return {.summary = message.head.suite == Suite::open ? public_text(message) : sealed(question)};
}

/// Whether a key of ours opens it, by its head alone.
bool Judge::opens(const Question& question) {
  const MessageHead& head = question.message.head;
  for (std::size_t i = 0; i < live_.size(); ++i) {
    if (!keys_.live[i].inbox.matches(head.topic)) continue;
    if (slot_key(i).find_content_key(head)) return true;
  }
  return std::ranges::any_of(question.rooms, [&](const RoomKey* key) {
    return slot_key(key).find_content_key(head).has_value();
  });
}

/// Public text and who approves it are everybody's; public cards and the like are other parts'
/// business.
std::optional<Summary> Judge::public_text(const Message& message) const {
  if (looks_like_card(message)) return std::nullopt;  // Spares checking its signature.
  const Opened opened = open_public(message, keys_.chain);
  if (opened.fault) return std::nullopt;
  const bool approves = opened.signature == SignatureState::good && is_approval(opened.content);
  if (opened.content.kind != Kind::text && !approves) return std::nullopt;
  return directed(message, opened, nullptr);
}

/// Of each identity one key is enough; a message can be for several of ours.
std::optional<Summary> Judge::sealed(const Question& question) {
  const Message& message = question.message;
  std::optional<Summary> found = in_room(question);
  if (found) return found;
  for (std::size_t i = 0; i < live_.size(); ++i) {
    const LiveKey& key = keys_.live[i];
    if (!key.inbox.matches(message.head.topic) || (found && is_reader(*found, key.owner))) continue;
    const auto opened = opened_with(slot_key(i), message);
    if (!opened) continue;
    if (!found)
      found = directed(message, *opened, &key.owner);
    else
      add_reader(*found, key.owner);
    if (found->direction == Direction::out) break;
  }
  return found;
}

/// What a room's topic of that day leads to.
std::optional<Summary> Judge::in_room(const Question& question) {
  for (const RoomKey* key : question.rooms) {
    const auto opened = opened_with(slot_key(key), question.message);
    if (!opened) continue;
    Summary summary = directed(question.message, *opened, nullptr);
    summary.room = room_mark(key->room, key->name);
    return summary;
  }
  return std::nullopt;
}

std::optional<Opened> Judge::opened_with(const SlotKey& key, const Message& message) const {
  const auto content_key = key.find_content_key(message.head);
  if (!content_key) return std::nullopt;
  return open_with_content_key(message, keys_.chain, *content_key);
}

void Judge::add_reader(Summary& summary, const IdentityKey& owner) const {
  const OwnIdentity* identity = keys_.own_of(owner.view());
  summary.to.push_back({owner, identity ? identity->name : std::string()});
}

/// Sent by another device of ours: out, unless it is to ourselves. Else in, to the identity whose
/// key opened it.
Summary Judge::directed(const Message& message, const Opened& opened,
                        const IdentityKey* opened_by) const {
  Summary summary = summary_of(message, opened);
  const OwnIdentity* self =
      summary.signature == SignatureState::good ? keys_.own_of(summary.sender) : nullptr;
  if (self == nullptr) {
    if (opened_by) add_reader(summary, *opened_by);
    return summary;
  }
  for (const IdentityKey& to : open_sent_to(self->sent_to_key, opened.content.sent_to))
    add_reader(summary, to);
  // What one writes to oneself is to be read.
  summary.direction = is_reader(summary, self->address) ? Direction::in : Direction::out;
  return summary;
}

const SlotKey& Judge::slot_key(std::size_t live) {
  std::optional<SlotKey>& made = live_[live];
  const LiveKey& key = keys_.live[live];
  if (!made) made.emplace(key.agreement.clone(), keys_.chain, key.owner);
  return *made;
}

const SlotKey& Judge::slot_key(const RoomKey* room) {
  const auto known = rooms_.find(room);
  if (known != rooms_.end()) return known->second;
  return rooms_.try_emplace(room, room->agreement.clone(), keys_.chain, room->keeper).first->second;
}

}  // namespace bmsg::mail
