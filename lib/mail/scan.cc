#include "lib/mail/scan.h"

#include <algorithm>
#include <memory>
#include <set>

#include "lib/core/try.h"
#include "lib/mail/absent.h"
#include "lib/mail/ack.h"
#include "lib/mail/approval.h"
#include "lib/mail/forget_request.h"
#include "lib/mail/judges.h"
#include "lib/mail/reader.h"
#include "lib/mail/reading_order.h"
#include "lib/mail/room_scan.h"
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
  Scan(const MailReader& mail, const MailKeys& keys, Entropy& entropy, bool is_light,
       unsigned threads)
      : mail_(mail),
        keys_(keys),
        entropy_(entropy),
        is_light_(is_light),
        rooms_(keys.rooms),
        judges_(
            threads, [this] { return hire(); },
            [this](const Question& question, Verdict verdict) {
              return take(question.id, std::move(verdict));
            }) {}

  /// Only what may be for one of these rooms.
  Result<Done> message_for(RoomTopics& rooms, const MessageId& id, const Message& message) {
    return rooms.keys_for(message.head).empty() ? Result<Done>(done) : this->message(id, message);
  }

  Result<Done> message(const MessageId& id, const Message& message) {
    const auto& rooms = rooms_.keys_for(message.head);
    if (!may_be_ours(message, rooms, keys_, is_light_)) return done;
    return judges_.ask({id, message, rooms});
  }

  /// What the walk has ended with, once all that it visited is judged: what failed first is told.
  template <class T>
  Result<T> ended(Result<T> walked) {
    BMSG_TRY(judges_.finish());
    return walked;
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
      note_approval(one.id, one.summary, keys_.mailbox_key, change);
      const bool asks = asks_to_forget(one.summary);
      const bool answers = one.summary.kind == Kind::ack || is_approval(one.summary);
      const bool for_a_person = one.summary.fault || (!answers && !asks);
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
  /// Those that are still to come among them.
  std::vector<MessageId> incoming() const {
    std::vector<MessageId> ids(absent_.begin(), absent_.end());
    for (const Found& one : found_)
      if (one.summary.direction == Direction::in) ids.push_back(one.id);
    return ids;
  }
  unsigned threads() const { return judges_.threads(); }

 private:
  Judges::Opinion hire() const {
    return [judge = std::make_shared<Judge>(keys_)](const Question& question) {
      return judge->judge(question);
    };
  }

  Result<Done> take(const MessageId& id, Verdict verdict) {
    if (!verdict.summary && !verdict.is_absent) return done;
    BMSG_TRY_ASSIGN(const bool known, is_known(id));
    if (known) return done;
    if (verdict.is_absent) {
      absent_.insert(id);  // Still to come.
      return done;
    }
    BMSG_TRY_ASSIGN(Bytes sealed, seal_summary(keys_.mailbox_key, id, *verdict.summary, entropy_));
    return keep({id, std::move(*verdict.summary), std::move(sealed)});
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

  const MailReader& mail_;
  const MailKeys& keys_;
  Entropy& entropy_;
  const bool is_light_;
  RoomTopics rooms_;
  std::set<MessageId> absent_;  // Ours, without their bodies.
  std::vector<Found> found_;
  std::set<MessageId> seen_;
  Judges judges_;  // Last: they use the others.
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
  Scan scanning(mail, keys, entropy, chain.is_light(), options.threads);

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
      const auto visit_fresh = [&](const MessageId& id, const Message& message) {
        return scanning.message_for(fresh, id, message);
      };
      BMSG_TRY(scanning.ended(
          backlog.walk_on(chain, start->height, options.limits, visit_fresh, result.change)));
      // A program that has no such secret yet may be passing them just now.
      BMSG_TRY(set_late_for_readers(Told::all, chain, mail, scanning.incoming(), result.change));
      result.more = true;
    } else {
      BMSG_TRY_ASSIGN(const Walked walked,
                      scanning.ended(walk(chain, start, options.limits, visit)));
      result.change.position = ScanPosition{walked.place.height, walked.place.hash,
                                            walked.place.pool_arrival, keys.digest};
      result.more = walked.more;
      // Some only where the index went back: for a new identity, or after a reorganisation.
      BMSG_TRY(set_late_for_readers(Told::passed, chain, mail, scanning.incoming(), result.change));
      backlog.settle(result.change);  // From the beginning all keys are tried.
    }
  }
  result.messages = scanning.size();
  result.threads = scanning.threads();
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
  BMSG_TRY(outbox.remove(result.done));
  return true;
}

}  // namespace bmsg::mail
