#include "lib/node/mempool.h"

#include <algorithm>
#include <map>

#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "lib/core/try.h"

namespace bmsg::node {
namespace {

__extension__ using Wide = unsigned __int128;  // A product of two 64-bit numbers.

}  // namespace

bool Mempool::ranks_below(const Entry& a, const Entry& b) {
  return Wide{a.achieved} * b.bytes < Wide{b.achieved} * a.bytes;
}

void Mempool::add(const MessageId& id, const Entry& entry) {
  drop(id);
  entries_[id] = entry;
  bytes_ += entry.bytes;
}

void Mempool::drop(const MessageId& id) {
  const auto at = entries_.find(id);
  if (at == entries_.end()) return;
  bytes_ -= at->second.bytes;
  entries_.erase(at);
}

Result<Done> Mempool::load() {
  if (loaded_) return done;
  BMSG_TRY_ASSIGN(const auto pool, store_.pool(0));
  entries_.clear();
  bytes_ = 0;
  ChainChange expired;
  for (const PooledMessage& one : pool) {
    const MessageHead& head = one.message.head;
    if (head.expiry() <= clock_.now().value) {
      expired.pool_remove.push_back(one.id);
    } else {
      add(one.id,
          {head.encoded_bytes(), chain::stamp_achieved(one.id, one.message.nonce), head.expiry()});
    }
  }
  if (!expired.pool_remove.empty()) BMSG_TRY(store_.apply(expired));
  loaded_ = true;
  return done;
}

Result<bool> Mempool::is_on_chain(const MessageId& id) const {
  BMSG_TRY_ASSIGN(const auto places, store_.places_of(id));
  return std::ranges::any_of(
      places, [](const MessagePlace& place) { return place.branch == Branch::main; });
}

Result<MessageOutcome> Mempool::judge(const Message& message, const MessageId& id) {
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

Result<bool> Mempool::make_room(const Entry& incoming, ChainChange& change) {
  if (bytes_ + incoming.bytes <= limits_.all) return true;
  std::vector<std::pair<MessageId, Entry>> lowest(entries_.begin(), entries_.end());
  std::ranges::sort(lowest,
                    [](const auto& a, const auto& b) { return ranks_below(a.second, b.second); });
  std::size_t freed = 0;
  std::size_t victims = 0;
  while (victims < lowest.size() && bytes_ - freed + incoming.bytes > limits_.all) {
    if (!ranks_below(lowest[victims].second, incoming)) return false;
    freed += lowest[victims++].second.bytes;
  }
  for (std::size_t i = 0; i < victims; ++i) {
    change.pool_remove.push_back(lowest[i].first);
    drop(lowest[i].first);
  }
  return bytes_ + incoming.bytes <= limits_.all;
}

Result<std::vector<MessageOutcome>> Mempool::submit(const std::vector<Message>& messages,
                                                    Origin origin) {
  BMSG_TRY(load());
  std::vector<MessageOutcome> outcomes;
  ChainChange change;
  std::size_t taken = 0;
  for (const Message& message : messages) {
    const MessageId id = chain::id_of(message.head);
    BMSG_TRY_ASSIGN(auto outcome, judge(message, id));
    const Entry entry{message.head.encoded_bytes(), chain::stamp_achieved(id, message.nonce),
                      message.head.expiry()};
    if (outcome.verdict == Verdict::accepted) {
      const bool too_much =
          origin == Origin::peer && taken + entry.bytes > limits_.from_peers_at_once;
      BMSG_TRY_ASSIGN(const bool fits, make_room(entry, change));
      if (too_much || !fits) {
        outcome.verdict = Verdict::refused;
        outcome.violation =
            chain::Violation{chain::Rule::stamp, "the pool is full of better stamps"};
      } else {
        taken += entry.bytes;
        add(id, entry);
        change.pool_add.push_back({id, message, clock_.now(), origin, 0});
      }
    }
    outcomes.push_back(std::move(outcome));
  }
  if (change.pool_add.empty() && change.pool_remove.empty()) return outcomes;
  if (auto applied = store_.apply(change); !applied) {
    forget_index();
    return applied.error();
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
