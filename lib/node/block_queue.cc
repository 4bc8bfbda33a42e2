#include "lib/node/block_queue.h"

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/core/limits.h"

namespace bmsg::node {
namespace {

constexpr std::chrono::milliseconds kNap{20};
constexpr std::chrono::seconds kFetchPatienceMax{30};  // By then a request has failed.

}  // namespace

bool BlockQueue::is_unclaimed(const BlockHash& hash, Session session) const {
  if (arrived_.contains(hash) || stored_.contains(hash)) return false;
  const auto claim = claims_.find(hash);
  return claim == claims_.end() || claim->second.session == session;
}

/// Whether it leaves what nobody fetches to those that are faster. They may want none of it.
bool BlockQueue::yields(Session session, Pace& pace, const StagedChain& chain, std::size_t next) {
  const bool is_slowest = pace.is_slow && std::ranges::any_of(paces_, [&](const auto& other) {
                            return other.first != session && !other.second.is_slow;
                          });
  const std::size_t end = std::min(chain.hashes.size(), next + kBlockWindow);
  while (next < end && !is_unclaimed(chain.hashes[next], session)) ++next;
  if (!is_slowest || next == end) {
    pace.left.reset();
    return is_slowest;
  }
  if (pace.left != chain.hashes[next]) {
    pace.left = chain.hashes[next];
    pace.left_since = clock_.steady();
  }
  return clock_.steady() - pace.left_since < kFetchPatience;
}

bool BlockQueue::is_free(const BlockHash& hash, Session session, const Pace& pace,
                         bool yields) const {
  if (is_unclaimed(hash, session)) return !yields;
  if (arrived_.contains(hash) || stored_.contains(hash)) return false;
  const Claim& claim = claims_.find(hash)->second;
  const Duration patience = pace.is_slow ? std::max<Duration>(patience_with(claim), kFetchPatience)
                                         : patience_with(claim);
  return clock_.steady() - claim.since >= patience;
}

/// By the pace of all but the one that is waited for.
BlockQueue::Duration BlockQueue::patience_with(const Claim& claim) const {
  if (claim.session == nullptr) return kFetchPatience;  // It is being stored.
  std::vector<Duration> took;
  for (const auto& [session, pace] : paces_) {
    if (session != claim.session && pace.took) took.push_back(*pace.took);
  }
  if (took.empty()) return kFetchPatience;
  const auto middle = took.begin() + static_cast<std::ptrdiff_t>((took.size() - 1) / 2);
  std::ranges::nth_element(took, middle);
  const Duration measured = std::clamp<Duration>(3 * *middle, kFetchPatienceMin, kFetchPatienceMax);
  return std::min<Duration>(measured * (1U << std::min(claim.others, 10U)), kFetchPatienceMax);
}

std::optional<BlockQueue::Order> BlockQueue::claim(Session session, const StagedChain& chain,
                                                   std::size_t next, std::size_t most) {
  const std::lock_guard lock(mutex_);
  Pace& pace = paces_[session];
  const std::size_t end = std::min(chain.hashes.size(), next + kBlockWindow);
  const bool yields = this->yields(session, pace, chain, next);
  const auto is_free = [&](std::size_t at) {
    return this->is_free(chain.hashes[at], session, pace, yields);
  };
  Order order{.begin = next, .count = 0};
  while (order.begin < end && !is_free(order.begin)) ++order.begin;
  if (order.begin == end) return std::nullopt;
  // Up to the end of an aligned range, though the window ends before: those are what caches and
  // mirrors hold, and each request is a whole one.
  const std::size_t height = chain.fork.value + 1 + order.begin;
  const std::size_t stop = std::min(chain.hashes.size(), order.begin + most - height % most);
  pace.claimed = clock_.steady();
  for (std::size_t at = order.begin; at < stop && is_free(at); ++at) {
    const auto [claim, is_first] = claims_.try_emplace(chain.hashes[at]);
    const bool is_foreign = !is_first && claim->second.session != session;
    claim->second = {session, pace.claimed, claim->second.others + (is_foreign ? 1 : 0)};
    ++order.count;
  }
  return order;
}

void BlockQueue::drop_claims(Session session) {
  std::erase_if(claims_, [&](const auto& claim) { return claim.second.session == session; });
}

void BlockQueue::deliver(Session session, std::vector<Block> blocks) {
  const std::lock_guard lock(mutex_);
  drop_claims(session);
  if (const auto pace = paces_.find(session); pace != paces_.end()) {
    pace->second.took = clock_.steady() - pace->second.claimed;
  }
  for (Block& block : blocks) {
    const BlockHash hash = chain::hash_of(block.header);
    if (!stored_.contains(hash)) arrived_.try_emplace(hash, Arrived{std::move(block), session});
  }
  changed_.notify_all();
}

void BlockQueue::leave(Session session) {
  const std::lock_guard lock(mutex_);
  drop_claims(session);
  requests_.erase(session);
  changed_.notify_all();
}

void BlockQueue::end(Session session) {
  const std::lock_guard lock(mutex_);
  drop_claims(session);
  requests_.erase(session);
  paces_.erase(session);
  blamed_.erase(session);
  for (auto& [hash, arrived] : arrived_) {
    if (arrived.from == session) arrived.from = nullptr;
  }
  changed_.notify_all();
}

std::optional<BlockQueue::Arrived> BlockQueue::take(const BlockHash& hash) {
  const std::lock_guard lock(mutex_);
  auto found = arrived_.extract(hash);
  if (found.empty()) return std::nullopt;
  // Until it is stored nobody needs to fetch it, not even who fetched it before.
  claims_[hash] = Claim{nullptr, clock_.steady(), 0};
  return std::move(found.mapped());
}

void BlockQueue::put_back(std::vector<Arrived> blocks) {
  const std::lock_guard lock(mutex_);
  for (Arrived& one : blocks) {
    const BlockHash hash = chain::hash_of(one.block.header);
    claims_.erase(hash);
    arrived_.try_emplace(hash, std::move(one));
  }
  changed_.notify_all();
}

void BlockQueue::remember_stored(const BlockHash& hash) {
  if (!stored_.insert(hash).second) return;
  stored_order_.push_back(hash);
  if (stored_order_.size() <= kStoredRemembered) return;
  stored_.erase(stored_order_.front());
  stored_order_.pop_front();
  ++forgotten_;
}

void BlockQueue::note_stored(const BlockHash& hash) {
  const std::lock_guard lock(mutex_);
  remember_stored(hash);
  claims_.erase(hash);
  arrived_.erase(hash);  // It may have come twice.
  for (auto& [session, request] : requests_) {
    request.missing.erase(hash);
    if (!request.missing.empty() || request.is_dropped) continue;
    request.is_dropped = true;
    request.drop();
  }
  changed_.notify_all();
}

void BlockQueue::note_refused(const BlockHash& hash) {
  const std::lock_guard lock(mutex_);
  const auto claim = claims_.find(hash);
  if (claim != claims_.end() && claim->second.session == nullptr) claims_.erase(claim);
  changed_.notify_all();
}

void BlockQueue::begin_request(Session session, const StagedChain& chain, const Order& order,
                               std::function<void()> drop) {
  const std::lock_guard lock(mutex_);
  Request request{.missing = {}, .drop = std::move(drop), .is_dropped = false};
  for (std::size_t at = order.begin; at < order.begin + order.count; ++at) {
    if (!stored_.contains(chain.hashes[at])) request.missing.insert(chain.hashes[at]);
  }
  requests_[session] = std::move(request);
}

bool BlockQueue::end_request(Session session, bool has_answer) {
  const std::lock_guard lock(mutex_);
  const auto request = requests_.extract(session);
  const bool was_dropped = !request.empty() && request.mapped().is_dropped;
  if (was_dropped && !has_answer) paces_[session].is_slow = true;
  return was_dropped;
}

std::uint64_t BlockQueue::forgotten() const {
  const std::lock_guard lock(mutex_);
  return forgotten_;
}

bool BlockQueue::is_stored(const BlockHash& hash) const {
  const std::lock_guard lock(mutex_);
  return stored_.contains(hash);
}

void BlockQueue::blame(Session session, Error error) {
  const std::lock_guard lock(mutex_);
  blamed_.try_emplace(session, std::move(error));
  paces_.erase(session);
  drop_claims(session);
  std::erase_if(arrived_, [&](const auto& one) { return one.second.from == session; });
  changed_.notify_all();
}

std::optional<Error> BlockQueue::blamed(Session session) const {
  const std::lock_guard lock(mutex_);
  const auto found = blamed_.find(session);
  return found == blamed_.end() ? std::nullopt : std::optional(found->second);
}

void BlockQueue::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kNap);
}

}  // namespace bmsg::node
