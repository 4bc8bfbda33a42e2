#include "lib/node/mempool.h"

#include <algorithm>
#include <map>

#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "lib/core/try.h"

namespace bmsg::node {
namespace {

__extension__ using Wide = unsigned __int128;  // A product of two 64-bit numbers.

chain::Violation no_room() { return {chain::Rule::stamp, "the pool is full of better stamps"}; }

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
  if (entry.origin == Origin::reorg) from_blocks_.insert({entry, id});
  if (entry.origin != Origin::peer) return;
  from_peers_.insert({entry, id});
  peer_bytes_ += entry.bytes;
}

void Mempool::drop(const MessageId& id) {
  const auto at = entries_.find(id);
  if (at == entries_.end()) return;
  const Entry entry = at->second;
  entries_.erase(at);
  bytes_ -= entry.bytes;
  if (entry.origin == Origin::reorg) from_blocks_.erase({entry, id});
  if (entry.origin != Origin::peer) return;
  from_peers_.erase({entry, id});
  peer_bytes_ -= entry.bytes;
}

Result<Done> Mempool::load() {
  if (loaded_) return done;
  BMSG_TRY_ASSIGN(const auto pool, store_.pool(0));
  entries_.clear();
  from_peers_.clear();
  from_blocks_.clear();
  bytes_ = 0;
  peer_bytes_ = 0;
  ChainChange expired;
  for (const PooledMessage& one : pool) {
    const MessageHead& head = one.message.head;
    if (head.expiry() <= clock_.now().value) {
      expired.pool_remove.push_back(one.id);
    } else {
      const std::uint64_t achieved = chain::stamp_achieved(one.id, one.message.nonce);
      add(one.id, {head.encoded_bytes(), achieved, one.origin});
    }
  }
  if (!expired.pool_remove.empty()) BMSG_TRY(store_.apply(expired));
  loaded_ = true;
  return done;
}

Result<Done> Mempool::trim() {
  forget_index();
  BMSG_TRY(load());
  ChainChange change;
  while (bytes_ > limits_.all) {
    const bool any_peer = !from_peers_.empty();
    if (!any_peer && from_blocks_.empty()) break;
    const bool peer =
        any_peer && (from_blocks_.empty() || *from_peers_.begin() < *from_blocks_.begin());
    const MessageId id = (peer ? from_peers_ : from_blocks_).begin()->id;
    change.pool_remove.push_back(id);
    drop(id);
  }
  if (change.pool_remove.empty()) return done;
  const auto applied = store_.apply(change);
  if (!applied) forget_index();
  return applied;
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
  if (message.head.suite == Suite::charter)
    return refuse({chain::Rule::charter, "charters are not taken here"});
  BMSG_TRY_ASSIGN(const bool on_chain, is_on_chain(id));
  if (on_chain) {
    outcome.verdict = Verdict::known;
    return outcome;
  }
  if (auto violation = chain::find_violation(message, id, clock_.now(), chain_))
    return refuse(std::move(*violation));
  if (const auto at = entries_.find(id); at != entries_.end()) {
    // A better stamp replaces a worse one, but not for a trifle: each replacement is told to all.
    const std::uint64_t achieved = chain::stamp_achieved(id, message.nonce);
    if (achieved / 2 < at->second.achieved) outcome.verdict = Verdict::known;
  }
  return outcome;
}

/// Who goes for an incoming message; nullopt if not enough of the others rank below it.
std::optional<Mempool::Ids> Mempool::room_for(const Ranked& incoming) const {
  const bool has_share = incoming.entry.origin == Origin::peer;
  const std::size_t bytes = incoming.entry.bytes;
  Ids victims;
  std::size_t freed = 0;
  std::size_t freed_of_peers = 0;
  auto peer = from_peers_.begin();
  auto returned = from_blocks_.begin();
  for (;;) {
    const bool share_full = has_share && peer_bytes_ - freed_of_peers + bytes > limits_.from_peers;
    if (!share_full && bytes_ - freed + bytes <= limits_.all) return victims;
    const bool any_peer = peer != from_peers_.end();
    const bool any_returned = !share_full && returned != from_blocks_.end();
    if (!any_peer && !any_returned) return std::nullopt;
    const bool is_peer = any_peer && (!any_returned || *peer < *returned);
    const Ranked& victim = is_peer ? *peer++ : *returned++;
    if (!ranks_below(victim.entry, incoming.entry)) return std::nullopt;
    victims.push_back(victim.id);
    freed += victim.entry.bytes;
    if (is_peer) freed_of_peers += victim.entry.bytes;
  }
}

Result<Done> Mempool::take(const Message& message, Origin origin, MessageOutcome& outcome,
                           Batch& batch) {
  const MessageId& id = outcome.id;
  Entry entry{message.head.encoded_bytes(), chain::stamp_achieved(id, message.nonce), origin};
  if (const auto old = entries_.find(id); old != entries_.end()) {
    // Another stamp takes no more room, and whose message it is stays.
    if (origin != Origin::own) entry.origin = old->second.origin;
  } else if (const auto victims = room_for({entry, id})) {
    for (const MessageId& victim : *victims) {
      drop(victim);
      batch.add.erase(victim);
      batch.remove.insert(victim);
    }
  } else {
    // Ours can wait where it came from.
    outcome.verdict = origin == Origin::own ? Verdict::held : Verdict::refused;
    outcome.violation = no_room();
    return done;
  }
  add(id, entry);
  batch.remove.erase(id);
  batch.add[id] = PooledMessage{id, message, clock_.now(), entry.origin, 0};
  return done;
}

/// A message that others brought before us must not be dropped for theirs from now on.
Result<Done> Mempool::make_ours(const MessageId& id, Batch& batch) {
  const auto at = entries_.find(id);
  if (at == entries_.end() || at->second.origin == Origin::own) return done;
  Entry entry = at->second;
  entry.origin = Origin::own;
  if (!batch.add.contains(id)) {
    BMSG_TRY_ASSIGN(auto pooled, store_.pooled(id));
    if (!pooled) return Error{Errc::corrupt, "the pool lacks a message that it listed"};
    batch.add[id] = std::move(*pooled);
  }
  batch.add[id].origin = Origin::own;
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
      outcome.verdict = Verdict::refused;  // A later one of this hand-over took its room.
      outcome.violation = no_room();
    }
  }
  change.pool_remove.assign(batch.remove.begin(), batch.remove.end());
  if (change.pool_add.empty() && change.pool_remove.empty()) return done;
  const auto applied = store_.apply(change);
  if (!applied) forget_index();
  return applied;
}

Result<std::vector<MessageOutcome>> Mempool::submit(const std::vector<Message>& messages,
                                                    Origin origin,
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
      if (outcome.verdict == Verdict::accepted) BMSG_TRY(take(message, origin, outcome, batch));
      if (outcome.verdict == Verdict::known && origin == Origin::own)
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

Result<std::vector<Message>> Mempool::pick(UnixSeconds time) {
  BMSG_TRY(load());
  std::vector<std::pair<MessageId, Entry>> ranked(entries_.begin(), entries_.end());
  std::ranges::sort(ranked, [](const auto& a, const auto& b) {
    if (ranks_below(b.second, a.second)) return true;
    return !ranks_below(a.second, b.second) && a.first < b.first;
  });
  std::map<MessageId, Message> picked;  // Blocks hold messages in the order of their ids.
  std::size_t bytes = 0;
  for (const auto& [id, entry] : ranked) {
    if (bytes + entry.bytes > chain_.rules.maxblock) continue;
    BMSG_TRY_ASSIGN(auto pooled, store_.pooled(id));
    if (!pooled || chain::find_violation(pooled->message, id, time, chain_)) continue;
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

}  // namespace bmsg::node
