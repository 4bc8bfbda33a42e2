#include "lib/mail/scan.h"

#include <algorithm>
#include <set>

#include "lib/core/try.h"
#include "lib/mail/absent.h"
#include "lib/mail/ack.h"
#include "lib/mail/card.h"
#include "lib/mail/forget_request.h"
#include "lib/mail/open.h"
#include "lib/mail/reading_order.h"
#include "lib/mail/room.h"
#include "lib/mail/room_scan.h"
#include "lib/mail/sent_to.h"
#include "lib/mail/summary.h"

namespace bmsg::mail {
namespace {

const Flags kArrived = {"unread"};
const Flags kGranted = {std::string(kGrantedFlag)};

/// A grant that is to be judged: sealed to us and signed. What is said in a room grants no other.
bool is_room_grant(const Summary& summary) {
  return summary.signature == SignatureState::good && summary.room.empty() &&
         summary.audience == Audience::sealed;
}

const Flags kForget = {std::string(kForgetFlag)};

/// Who wrote what it names is looked at where it is done.
bool asks_to_forget(const Summary& summary) {
  return !summary.fault && summary.direction == Direction::in &&
         summary.signature == SignatureState::good && summary.audience == Audience::sealed &&
         is_forget_request(summary.kind, summary.media_type, summary.re.size());
}

/// Damaged, or of a newer version: no reason to leave the others.
bool is_about_one_file(const Error& error) {
  return error.code == Errc::corrupt || error.code == Errc::bad_config;
}

/// A message of ours before it is put in order.
struct Found {
  MessageId id;
  Summary summary;
  Bytes sealed;
};

constexpr std::size_t kManyEntries = 64;
constexpr std::size_t kReadInTurn = 8;  // Ids that come in turn in the time of one that is sought.

class Scan {
 public:
  Scan(const MailReader& mail, const MailKeys& keys, Entropy& entropy, bool is_light)
      : mail_(mail), keys_(keys), entropy_(entropy), is_light_(is_light), rooms_(keys.rooms) {}

  /// Only what may be for one of these rooms.
  Result<Done> message_for(RoomTopics& rooms, const MessageId& id, const Message& message) {
    return rooms.keys_for(message.head).empty() ? Result<Done>(done) : this->message(id, message);
  }

  Result<Done> message(const MessageId& id, const Message& message) {
    if (!message.body) return without_body(id, message.head);
    auto summary = message.head.suite == Suite::open ? judge_public(message) : judge(message);
    if (!summary) return done;
    BMSG_TRY_ASSIGN(const bool known, is_known(id));
    if (known) return done;
    BMSG_TRY_ASSIGN(Bytes sealed, seal_summary(keys_.mailbox_key, id, *summary, entropy_));
    return keep({id, std::move(*summary), std::move(sealed)});
  }

  /// What the index has, all at once, where that is cheaper than to ask for each of so many.
  Result<Done> expect(std::size_t entries) {
    BMSG_TRY_ASSIGN(const auto count, mail_.count());
    if (entries < kManyEntries || count > kReadInTurn * entries) return done;
    BMSG_TRY_ASSIGN(const auto ids, mail_.ids_with_prefix({}, SIZE_MAX));
    seen_.insert(ids.begin(), ids.end());
    return done;
  }

  /// Our own note of a message in the outbox becomes its entry as it is.
  Result<Done> own(const Outbox& outbox, const OutboxEntry& entry) {
    BMSG_TRY_ASSIGN(const bool known, is_known(entry.id));
    if (known) return done;
    const auto file = outbox.read(entry);
    // A damaged file is told where the outbox is shown; one without a note is not ours to read.
    if (!file && !is_about_one_file(file.error())) return file.error();
    if (!file || !file.value() || file.value()->note.empty()) return done;
    auto summary = open_summary(keys_.mailbox_key, entry.id, file.value()->note);
    if (!summary) return done;  // Of another keyring.
    return keep({entry.id, std::move(summary).value(), file.value()->note});
  }

  /// In the order in which a conversation reads.
  void finish(MailChange& change) {
    std::vector<Placed> placed;
    for (const auto& [id, summary, sealed] : found_) {
      placed.push_back({id, summary.time, summary.seq.value_or(0), summary.prev, summary.re});
    }
    for (const std::size_t index : reading_order(placed)) {
      Found& one = found_[index];
      note_ack(one.summary, keys_.mailbox_key, change);
      const bool asks = asks_to_forget(one.summary);
      const bool for_a_person = one.summary.fault || (one.summary.kind != Kind::ack && !asks);
      const bool is_grant = !one.summary.fault && one.summary.kind == Kind::room_grant;
      if (asks) {
        change.flags.emplace(one.id, kForget);
      } else if (is_grant) {
        if (is_room_grant(one.summary)) change.flags.emplace(one.id, kGranted);
      } else if (one.summary.direction == Direction::in && for_a_person) {
        change.flags.emplace(one.id, kArrived);
      }
      // At the end of every list: "@" is the newest that a person wrote.
      const UnixSeconds time{for_a_person ? one.summary.time : 0};
      change.put.push_back({one.id, 0, time, std::move(one.sealed)});
      if (is_light_) clear_absent(change, one.id);
    }
    for (const MessageId& id : absent_) set_absent(change, id);
  }

  std::size_t size() const { return found_.size(); }

 private:
  /// Dropped before we could read it; in a light store it is still to come, if it is ours.
  Result<Done> without_body(const MessageId& id, const MessageHead& head) {
    const auto opens = [&](const LiveKey& key) {
      return key.inbox.matches(head.topic) &&
             find_content_key(head, keys_.chain, key.agreement, key.owner).has_value();
    };
    if (!is_light_) return done;
    if (!std::ranges::any_of(keys_.live, opens) && !opens_as_room(head)) return done;
    BMSG_TRY_ASSIGN(const bool known, is_known(id));
    if (!known) absent_.insert(id);
    return done;
  }

  Result<Done> keep(Found found) {
    seen_.insert(found.id);
    found_.push_back(std::move(found));
    return done;
  }

  Result<bool> is_known(const MessageId& id) const {
    if (seen_.contains(id)) return true;
    BMSG_TRY_ASSIGN(const auto entry, mail_.entry(id));
    return entry.has_value();
  }

  /// Public text is everybody's; public cards and the like are other parts' business.
  std::optional<Summary> judge_public(const Message& message) const {
    if (looks_like_card(message)) return std::nullopt;  // Spares checking its signature.
    const Opened opened = open_public(message, keys_.chain);
    if (opened.fault || opened.content.kind != Kind::text) return std::nullopt;
    return directed(message, opened, nullptr);
  }

  /// Of each identity one key is enough; a message can be for several of ours.
  std::optional<Summary> judge(const Message& message) {
    std::optional<Summary> found = judge_in_room(message);
    if (found) return found;
    for (const LiveKey& key : keys_.live) {
      if (!key.inbox.matches(message.head.topic) || (found && is_reader(*found, key.owner)))
        continue;
      const auto opened = open(message, keys_.chain, key.agreement, key.owner);
      if (!opened) continue;
      if (!found)
        found = directed(message, *opened, &key.owner);
      else
        add_reader(*found, key.owner);
      if (found->direction == Direction::out) break;
    }
    return found;
  }

  bool opens_as_room(const MessageHead& head) {
    return std::ranges::any_of(rooms_.keys_for(head), [&](const RoomKey* key) {
      return find_content_key(head, keys_.chain, key->agreement, key->keeper).has_value();
    });
  }

  /// What a room's topic of that day leads to.
  std::optional<Summary> judge_in_room(const Message& message) {
    for (const RoomKey* key : rooms_.keys_for(message.head)) {
      const auto opened = open(message, keys_.chain, key->agreement, key->keeper);
      if (!opened) continue;
      Summary summary = directed(message, *opened, nullptr);
      summary.room = room_mark(key->room, key->name);
      return summary;
    }
    return std::nullopt;
  }

  static bool is_reader(const Summary& summary, const IdentityKey& owner) {
    return std::ranges::find(summary.to, owner, &Addressee::address) != summary.to.end();
  }

  void add_reader(Summary& summary, const IdentityKey& owner) const {
    const OwnIdentity* identity = keys_.own_of(owner.view());
    summary.to.push_back({owner, identity ? identity->name : std::string()});
  }

  /// Sent by another device of ours: out, unless it is to ourselves. Else in, to the identity whose
  /// key opened it.
  Summary directed(const Message& message, const Opened& opened,
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

  const MailReader& mail_;
  const MailKeys& keys_;
  Entropy& entropy_;
  const bool is_light_;
  RoomTopics rooms_;
  std::set<MessageId> absent_;  // Ours, without their bodies.
  std::vector<Found> found_;
  std::set<MessageId> seen_;
};

std::optional<WalkPlace> start_of(const std::optional<ScanPosition>& position,
                                  const MailKeys& keys) {
  if (!position || position->keys != keys.digest) return std::nullopt;
  return WalkPlace{position->height, position->hash, position->pool_arrival};
}

/// Whether there are other blocks than at the last scan. Without them nothing is deeper than it
/// was, and to ask for each message of a full outbox takes longer than all else.
bool has_moved(const ScanResult& result) {
  return !result.from || !result.change.position ||
         result.from->hash != result.change.position->hash;
}

Result<bool> is_kept(const node::ChainReader& chain, const MessageId& id) {
  if (!chain.is_light()) return true;
  BMSG_TRY_ASSIGN(const auto places, chain.places_of(id));
  if (places.empty()) return false;
  BMSG_TRY_ASSIGN(const auto message, chain.message_at(places.front()));
  return message && message->body;
}

/// Own messages that are safe to take out of the outbox.
Result<std::vector<OutboxEntry>> find_done(const node::ChainReader& chain,
                                           const std::vector<OutboxEntry>& entries,
                                           std::uint32_t depth) {
  std::vector<OutboxEntry> found;
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  for (const OutboxEntry& entry : entries) {
    BMSG_TRY_ASSIGN(const bool is_done, Outbox::is_buried(entry.id, chain, tip.height, depth));
    if (!is_done) continue;
    // In a light store a block may lack the body, which then is in the outbox only.
    BMSG_TRY_ASSIGN(const bool kept, is_kept(chain, entry.id));
    if (kept) found.push_back(entry);
  }
  return found;
}

}  // namespace

Result<ScanResult> scan(const node::ChainReader& chain, const MailReader& mail,
                        const MailKeys& keys, const Outbox& outbox, Entropy& entropy,
                        const ScanOptions& options) {
  ScanResult result;
  BMSG_TRY_ASSIGN(result.from, mail.position());
  BMSG_TRY_ASSIGN(result.rooms_from, RoomBacklog::value_in(mail));
  Scan scanning(mail, keys, entropy, chain.is_light());

  // Before the chain: our note says to whom, which the message itself does not.
  BMSG_TRY_ASSIGN(auto entries, outbox.entries());
  BMSG_TRY(scanning.expect(entries.size()));
  std::size_t judged = 0;
  for (; judged < entries.size() && scanning.size() < options.own_max; ++judged) {
    BMSG_TRY(scanning.own(outbox, entries[judged]));
  }
  result.more = judged < entries.size();
  entries.resize(judged);
  result.change.position = result.from;
  if (!result.more) {
    const auto visit = [&](const MessageId& id, const Message& message) {
      return scanning.message(id, message);
    };
    const auto start = start_of(result.from, keys);
    BMSG_TRY_ASSIGN(RoomBacklog backlog, RoomBacklog::read(mail, keys));
    if (start && !backlog.is_empty()) {
      RoomTopics fresh(backlog.fresh());
      BMSG_TRY(backlog.walk_on(
          chain, start->height, options.limits,
          [&](const MessageId& id, const Message& message) {
            return scanning.message_for(fresh, id, message);
          },
          result.change));
      result.more = true;
    } else {
      BMSG_TRY_ASSIGN(const Walked walked, walk(chain, start, options.limits, visit));
      result.change.position = ScanPosition{walked.place.height, walked.place.hash,
                                            walked.place.pool_arrival, keys.digest};
      result.more = walked.more;
      backlog.settle(result.change);  // From the beginning all keys are tried.
    }
  }
  result.messages = scanning.size();
  scanning.finish(result.change);
  if (has_moved(result)) {
    BMSG_TRY_ASSIGN(result.done, find_done(chain, entries, options.burial_depth));
  }
  return result;
}

bool changes_nothing(const ScanResult& result) {
  const MailChange& change = result.change;
  return change.put.empty() && change.flags.empty() && change.values.empty() &&
         change.position == result.from;
}

Result<bool> apply_scan(MailStore& mail, Outbox& outbox, const ScanResult& result) {
  BMSG_TRY_ASSIGN(const auto position, mail.position());
  if (position != result.from) return false;
  BMSG_TRY_ASSIGN(const auto rooms, RoomBacklog::value_in(mail));
  if (rooms != result.rooms_from && !result.change.values.empty()) return false;
  const bool nothing = changes_nothing(result);
  if (!nothing) BMSG_TRY(mail.apply(result.change));
  for (const OutboxEntry& entry : result.done) BMSG_TRY(outbox.remove(entry));
  return true;
}

}  // namespace bmsg::mail
