#include "lib/node/header_board.h"

#include <utility>

#include "lib/chain/fork_choice.h"

namespace bmsg::node {
namespace {

constexpr std::chrono::milliseconds kNap{20};
/// Between two requests a session checks what came; who looks more often finds it gone.
constexpr unsigned kIdleLooksMax = 3;
constexpr std::chrono::milliseconds kIdleNap{1};

}  // namespace

bool HeaderBoard::contains(const Tip& claimed) const {
  if (!chain_ || claimed.height <= chain_->fork) return false;
  const std::size_t count = claimed.height.value - chain_->fork.value;
  if (count > chain_->hashes.size() || chain_->hashes[count - 1] != claimed.hash) return false;
  const bool is_last = count == chain_->hashes.size();
  return is_last ? claimed.work == chain_->work : claimed.work < chain_->work;
}

std::optional<StagedChain> HeaderBoard::find(const Tip& claimed) const {
  const std::lock_guard lock(mutex_);
  if (!contains(claimed)) return std::nullopt;
  const auto begin = chain_->hashes.begin();
  const auto end = begin + (claimed.height.value - chain_->fork.value);
  return StagedChain{chain_->fork, {begin, end}, claimed.work, false};
}

HeaderBoard::Turn HeaderBoard::turn(Session session, const Tip& claimed,
                                    std::chrono::milliseconds patience) {
  const std::lock_guard lock(mutex_);
  for (auto& [other, fetch] : fetches_) {
    if (chain::is_better({claimed.work, claimed.hash}, {fetch.claimed.work, fetch.claimed.hash}))
      continue;
    if (fetch.is_asking ? clock_.steady() - fetch.since < patience
                        : ++fetch.idle_looks <= kIdleLooksMax)
      return Turn::wait;
  }
  fetches_[session].claimed = claimed;
  return Turn::fetch;
}

void HeaderBoard::begin_request(Session session, std::function<void()> drop) {
  const std::lock_guard lock(mutex_);
  Fetch& fetch = fetches_[session];
  fetch.since = clock_.steady();
  fetch.is_asking = true;
  fetch.idle_looks = 0;
  fetch.drop = std::move(drop);
}

bool HeaderBoard::end_request(Session session) {
  const std::lock_guard lock(mutex_);
  Fetch& fetch = fetches_[session];
  fetch.is_asking = false;
  return std::exchange(fetch.is_dropped, false);
}

void HeaderBoard::put(Session session, const StagedChain& chain) {
  const std::lock_guard lock(mutex_);
  fetches_.erase(session);
  if (chain.hashes.empty()) return;
  if (!chain_ || chain_->work < chain.work) chain_ = chain;
  for (auto& [other, fetch] : fetches_) {
    if (!fetch.is_asking || fetch.is_dropped || !contains(fetch.claimed)) continue;
    fetch.is_dropped = true;
    fetch.drop();
  }
  changed_.notify_all();
}

void HeaderBoard::forget() {
  const std::lock_guard lock(mutex_);
  chain_.reset();
}

void HeaderBoard::end(Session session) {
  const std::lock_guard lock(mutex_);
  if (fetches_.erase(session) > 0) changed_.notify_all();
}

void HeaderBoard::wait() {
  std::unique_lock lock(mutex_);
  bool is_asked = false;
  for (const auto& [session, fetch] : fetches_) is_asked = is_asked || fetch.is_asking;
  changed_.wait_for(lock, is_asked ? kNap : kIdleNap);
}

}  // namespace bmsg::node
