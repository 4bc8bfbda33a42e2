#include "lib/node/block_queue.h"

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/core/limits.h"

namespace bmsg::node {
namespace {

constexpr std::chrono::milliseconds kNap{20};

}  // namespace

bool BlockQueue::is_free(const BlockHash& hash, Session session) const {
  if (arrived_.contains(hash) || stored_.contains(hash)) return false;
  const auto claim = claims_.find(hash);
  if (claim == claims_.end() || claim->second.session == session) return true;
  return clock_.steady() - claim->second.since >= kFetchPatience;
}

std::optional<BlockQueue::Order> BlockQueue::claim(Session session, const StagedChain& chain,
                                                   std::size_t next) {
  const std::lock_guard lock(mutex_);
  const std::size_t end = std::min(chain.hashes.size(), next + kBlockWindow);
  Order order{.begin = next, .count = 0};
  while (order.begin < end && !is_free(chain.hashes[order.begin], session)) ++order.begin;
  if (order.begin == end) return std::nullopt;
  // Up to the end of an aligned range, though the window ends before: those are what caches and
  // mirrors hold, and each request is a whole one.
  const std::size_t height = chain.fork.value + 1 + order.begin;
  const std::size_t stop =
      std::min(chain.hashes.size(), order.begin + kBlocksPerRequest - height % kBlocksPerRequest);
  const Claim claim{session, clock_.steady()};
  for (std::size_t at = order.begin; at < stop && is_free(chain.hashes[at], session); ++at) {
    claims_[chain.hashes[at]] = claim;
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
  for (Block& block : blocks) {
    const BlockHash hash = chain::hash_of(block.header);
    if (!stored_.contains(hash)) arrived_.try_emplace(hash, Arrived{std::move(block), session});
  }
  changed_.notify_all();
}

void BlockQueue::leave(Session session) {
  const std::lock_guard lock(mutex_);
  drop_claims(session);
  changed_.notify_all();
}

void BlockQueue::end(Session session) {
  const std::lock_guard lock(mutex_);
  drop_claims(session);
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
  claims_[hash] = Claim{nullptr, clock_.steady()};
  return std::move(found.mapped());
}

void BlockQueue::note_stored(const BlockHash& hash) {
  const std::lock_guard lock(mutex_);
  stored_.insert(hash);
  claims_.erase(hash);
  arrived_.erase(hash);  // It may have come twice.
  changed_.notify_all();
}

bool BlockQueue::is_stored(const BlockHash& hash) const {
  const std::lock_guard lock(mutex_);
  return stored_.contains(hash);
}

void BlockQueue::blame(Session session, Error error) {
  const std::lock_guard lock(mutex_);
  blamed_.try_emplace(session, std::move(error));
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
