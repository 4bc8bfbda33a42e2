#include "lib/node/mempool.h"

#include <algorithm>
#include <map>

#include "lib/chain/block_hash.h"
#include "lib/chain/charter.h"
#include "lib/chain/message_rules.h"
#include "lib/core/try.h"

namespace bmsg::node {
namespace {

constexpr std::uint64_t kIndexSecondsMax = 60;

__extension__ using Wide = unsigned __int128;  // A product of two 64-bit numbers.

chain::Violation no_room(Room room) {
  return {chain::Rule::stamp, room == Room::share_full
                                  ? "what one peer may fill of the pool is full of better stamps"
                                  : "the pool is full of better stamps"};
}

void refuse(MessageOutcome& outcome, Origin origin, Room room) {
  // Ours can wait where it came from.
  outcome.verdict = origin == Origin::own ? Verdict::held : Verdict::refused;
  outcome.violation = no_room(room);
  outcome.room = room;
}

}  // namespace

bool Mempool::ranks_below(const Entry& a, const Entry& b) {
  return Wide{a.achieved} * b.bytes < Wide{b.achieved} * a.bytes;
}

bool Mempool::Ranked::operator<(const Ranked& other) const {
  if (ranks_below(entry, other.entry)) return true;
  return !ranks_below(other.entry, entry) && id > other.id;  // As blocks prefer the smaller id.
}

void Mempool::add(const MessageId& id, const Entry& entry) {
  drop(id);
  entries_[id] = entry;
  bytes_ += entry.bytes;
  if (entry.source.origin == Origin::own) return;
  others_.insert({entry, id});
  if (entry.source.origin != Origin::peer) return;
  Share& share = shares_[entry.source.giver];
  share.ranked.insert({entry, id});
  share.bytes += entry.bytes;
}

void Mempool::drop(const MessageId& id) {
  const auto at = entries_.find(id);
  if (at == entries_.end()) return;
  const Entry entry = at->second;
  entries_.erase(at);
  bytes_ -= entry.bytes;
  others_.erase({entry, id});
  if (entry.source.origin != Origin::peer) return;
  const auto share = shares_.find(entry.source.giver);
  share->second.ranked.erase({entry, id});
  share->second.bytes -= entry.bytes;
  if (share->second.ranked.empty()) shares_.erase(share);
}

Result<Done> Mempool::load() {
  if (loaded_) return done;
  BMSG_TRY_ASSIGN(const auto pool, store_.pool(0));
  entries_.clear();
  others_.clear();
  shares_.clear();
  bytes_ = 0;
  ChainChange expired;
  for (const PooledMessage& one : pool) {
    const MessageHead& head = one.message.head;
    if (head.expiry() <= clock_.now().value) {
      expired.pool_remove.push_back(one.id);
    } else {
      const std::uint64_t achieved = chain::stamp_achieved(one.id, one.message.nonce);
      add(one.id, {head.encoded_bytes(), achieved, {one.origin, one.giver}});
    }
  }
  if (!expired.pool_remove.empty()) BMSG_TRY(store_.apply(expired));
  loaded_ = true;
  loaded_at_ = clock_.now();
  return done;
}

void Mempool::note_gone(const std::vector<MessageId>& ids) {
  if (!loaded_) return;
  // What has expired is found when the index is read again.
  const std::uint64_t now = clock_.now().value;
  if (now < loaded_at_.value || now - loaded_at_.value >= kIndexSecondsMax) return forget_index();
  for (const MessageId& id : ids) drop(id);
}

Result<Done> Mempool::trim() {
  forget_index();
  BMSG_TRY(load());
  ChainChange change;
  while (bytes_ > limits_.all && !others_.empty()) {
    const MessageId id = others_.begin()->id;
    change.pool_remove.push_back(id);
    drop(id);
  }
  if (change.pool_remove.empty()) return done;
  const auto applied = store_.apply(change);
  if (!applied) forget_index();
  return applied;
}

/// A charter of a later version stays: the block that it follows may come back.
bool Mempool::is_unfit(const Message& message, const MessageId& id) const {
  if (message.head.suite == Suite::charter && message.body) {
    const auto charter = chain::decode_charter(*message.body);
    const auto next = charter ? chain::parse_rules_text(charter.value().rules_text)
                              : Result<chain::RulesText>(charter.error());
    return !next || next.value().version <= chain_.rules.version;
  }
  using chain::Rule;
  const auto found = chain::find_violation(message, id, clock_.now(), chain_);
  return found && (found->rule == Rule::message_size || found->rule == Rule::ttl ||
                   found->rule == Rule::stamp);
}

Result<Done> Mempool::drop_unfit() {
  forget_index();
  BMSG_TRY_ASSIGN(const auto pool, store_.pool(0));
  ChainChange change;
  for (const PooledMessage& one : pool)
    if (is_unfit(one.message, one.id)) change.pool_remove.push_back(one.id);
  return change.pool_remove.empty() ? Result<Done>(done) : store_.apply(change);
}

Result<bool> Mempool::is_on_chain(const MessageId& id) const {
  BMSG_TRY_ASSIGN(const auto places, store_.places_of(id));
  return std::ranges::any_of(
      places, [](const MessagePlace& place) { return place.branch == Branch::main; });
}

Result<MessageOutcome> Mempool::judge(const Message& message, const MessageId& id) const {
  MessageOutcome outcome{.id = id, .verdict = Verdict::accepted, .violation = {}};
  const auto refuse = [&](chain::Violation violation) {
    outcome.verdict = violation.rule == chain::Rule::early ? Verdict::held : Verdict::refused;
    outcome.violation = std::move(violation);
    return outcome;
  };
  if (!message.body) return refuse({chain::Rule::body, "absent"});
  if (message.head.suite == Suite::chunk)
    return refuse({chain::Rule::suite, "chunks are not kept here"});
  BMSG_TRY_ASSIGN(const bool on_chain, is_on_chain(id));
  if (on_chain) {
    outcome.verdict = Verdict::known;
    return outcome;
  }
  if (auto violation = chain::find_violation(message, id, clock_.now(), chain_))
    return refuse(std::move(*violation));
  if (message.head.suite == Suite::charter) {
    if (auto violation = chain::find_charter_violation(*message.body, chain_, needed_votes()))
      return refuse(std::move(*violation));
  }
  if (const auto at = entries_.find(id); at != entries_.end()) {
    // A better stamp replaces a worse one, but not for a trifle: each replacement is told to all.
    const std::uint64_t achieved = chain::stamp_achieved(id, message.nonce);
    if (achieved / 2 < at->second.achieved) outcome.verdict = Verdict::known;
  }
  return outcome;
}

/// Takes from what its giver has here. False: that is full of better ones.
bool Mempool::make_room_in_share(const Ranked& incoming, Victims& victims,
                                 std::size_t& freed) const {
  if (incoming.entry.source.origin != Origin::peer) return true;
  const std::size_t bytes = incoming.entry.bytes;
  const auto share = shares_.find(incoming.entry.source.giver);
  if (share == shares_.end()) return bytes <= limits_.of_giver;
  auto next = share->second.ranked.begin();
  while (share->second.bytes - freed + bytes > limits_.of_giver) {
    if (next == share->second.ranked.end() || !ranks_below(next->entry, incoming.entry))
      return false;
    victims.ids.push_back(next->id);
    freed += next->entry.bytes;
    ++next;
  }
  return true;
}

/// Enough of the others must rank below it, unless it is ours.
Mempool::Victims Mempool::room_for(const Ranked& incoming) const {
  Victims victims;
  std::size_t freed = 0;
  if (!make_room_in_share(incoming, victims, freed)) return {{}, Room::share_full};
  const bool is_own = incoming.entry.source.origin == Origin::own;
  const std::unordered_set<MessageId, FixedBytesHash> chosen(victims.ids.begin(),
                                                             victims.ids.end());
  auto next = others_.begin();
  while (bytes_ - freed + incoming.entry.bytes > limits_.all) {
    if (next == others_.end() || (!is_own && !ranks_below(next->entry, incoming.entry)))
      return {{}, Room::pool_full};
    if (!chosen.contains(next->id)) {
      victims.ids.push_back(next->id);
      freed += next->entry.bytes;
    }
    ++next;
  }
  return victims;
}

Result<Done> Mempool::take(const Message& message, const Source& source, MessageOutcome& outcome,
                           Batch& batch) {
  const MessageId& id = outcome.id;
  Entry entry{message.head.encoded_bytes(), chain::stamp_achieved(id, message.nonce), source};
  if (const auto old = entries_.find(id); old != entries_.end()) {
    // Another stamp takes no more room, and whose message it is stays.
    if (source.origin != Origin::own) entry.source = old->second.source;
  } else {
    const Victims victims = room_for({entry, id});
    if (victims.room != Room::enough) {
      refuse(outcome, source.origin, victims.room);
      return done;
    }
    for (const MessageId& victim : victims.ids) {
      drop(victim);
      batch.add.erase(victim);
      batch.remove.insert(victim);
    }
  }
  add(id, entry);
  batch.remove.erase(id);
  batch.add[id] =
      PooledMessage{id, message, clock_.now(), entry.source.origin, 0, entry.source.giver};
  return done;
}

/// A message that others brought before us must not be dropped for theirs from now on.
Result<Done> Mempool::make_ours(const MessageId& id, Batch& batch) {
  const auto at = entries_.find(id);
  if (at == entries_.end() || at->second.source.origin == Origin::own) return done;
  Entry entry = at->second;
  entry.source = {};
  if (!batch.add.contains(id)) {
    BMSG_TRY_ASSIGN(auto pooled, store_.pooled(id));
    if (!pooled) return Error{Errc::corrupt, "the pool lacks a message that it listed"};
    batch.add[id] = std::move(*pooled);
  }
  batch.add[id].origin = Origin::own;
  batch.add[id].giver = 0;
  add(id, entry);
  return done;
}

Result<Done> Mempool::store(Batch batch, std::vector<MessageOutcome>& outcomes) {
  ChainChange change;
  for (MessageOutcome& outcome : outcomes) {
    const auto added = batch.add.find(outcome.id);
    if (added != batch.add.end()) {
      change.pool_add.push_back(std::move(added->second));
      batch.add.erase(added);
    } else if (outcome.verdict == Verdict::accepted && !entries_.contains(outcome.id)) {
      refuse(outcome, Origin::peer,
             Room::pool_full);  // A later one of this hand-over took its room.
    }
  }
  change.pool_remove.assign(batch.remove.begin(), batch.remove.end());
  if (change.pool_add.empty() && change.pool_remove.empty()) return done;
  const auto applied = store_.apply(change);
  if (!applied) forget_index();
  return applied;
}

Result<std::vector<MessageOutcome>> Mempool::submit(const std::vector<Message>& messages,
                                                    const Source& source,
                                                    const std::vector<MessageId>& as_new) {
  BMSG_TRY(load());
  std::unordered_set<MessageId, FixedBytesHash> unseen(as_new.begin(), as_new.end());
  std::vector<MessageOutcome> outcomes;
  Batch batch;
  const auto take_all = [&]() -> Result<Done> {
    for (const Message& message : messages) {
      BMSG_TRY_ASSIGN(auto outcome, judge(message, chain::id_of(message.head)));
      const bool is_good =
          outcome.verdict == Verdict::accepted || outcome.verdict == Verdict::known;
      if (is_good && unseen.erase(outcome.id) == 1 && entries_.contains(outcome.id))
        outcome.verdict = Verdict::accepted;
      if (outcome.verdict == Verdict::accepted) BMSG_TRY(take(message, source, outcome, batch));
      if (outcome.verdict == Verdict::known && source.origin == Origin::own)
        BMSG_TRY(make_ours(outcome.id, batch));
      outcomes.push_back(std::move(outcome));
    }
    return store(std::move(batch), outcomes);
  };
  if (const auto taken = take_all(); !taken) {
    forget_index();  // It is ahead of the store.
    return taken.error();
  }
  return outcomes;
}

Result<Done> Mempool::sort_by_rank(std::vector<MessageId>& ids) {
  if (ids.size() < 2) return done;
  BMSG_TRY(load());
  std::vector<Ranked> ranked;
  ranked.reserve(ids.size());
  for (const MessageId& id : ids) {
    const auto at = entries_.find(id);
    ranked.push_back({at == entries_.end() ? Entry{.bytes = 1} : at->second, id});
  }
  std::ranges::sort(ranked, [](const Ranked& a, const Ranked& b) { return b < a; });
  std::ranges::transform(ranked, ids.begin(), &Ranked::id);
  return done;
}

Result<std::vector<Message>> Mempool::pick(UnixSeconds time) {
  BMSG_TRY(load());
  std::vector<std::pair<MessageId, Entry>> ranked(entries_.begin(), entries_.end());
  std::ranges::sort(ranked, [](const auto& a, const auto& b) {
    if (ranks_below(b.second, a.second)) return true;
    return !ranks_below(a.second, b.second) && a.first < b.first;
  });
  std::map<MessageId, Message> picked;  // Blocks hold messages in the order of their ids.
  std::size_t bytes = 0;
  bool has_charter = false;
  for (const auto& [id, entry] : ranked) {
    if (bytes + entry.bytes > chain_.rules.maxblock) continue;
    BMSG_TRY_ASSIGN(auto pooled, store_.pooled(id));
    if (!pooled || chain::find_violation(pooled->message, id, time, chain_)) continue;
    if (pooled->message.head.suite == Suite::charter) {
      const bool fits =
          !chain::find_charter_violation(*pooled->message.body, chain_, needed_votes());
      if (has_charter || !fits) continue;
      has_charter = true;
    }
    bytes += entry.bytes;
    picked.emplace(id, std::move(pooled->message));
  }
  std::vector<Message> messages;
  for (auto& [id, message] : picked) messages.push_back(std::move(message));
  return messages;
}

Result<Mempool::Totals> Mempool::totals() {
  BMSG_TRY(load());
  return Totals{entries_.size(), bytes_};
}

Result<std::size_t> Mempool::givers() {
  BMSG_TRY(load());
  return shares_.size();
}

}  // namespace bmsg::node
