#include "lib/node/chunk_queue.h"

#include <algorithm>

namespace bmsg::node {
namespace {

constexpr std::chrono::milliseconds kNap{20};

bool contains(const std::vector<ChunkQueue::Peer>& peers, ChunkQueue::Peer peer) {
  return std::ranges::find(peers, peer) != peers.end();
}

}  // namespace

ChunkQueue::ChunkQueue(const Clock& clock, std::vector<MessageId> wanted)
    : clock_(clock), wanted_(std::move(wanted)), chunks_(wanted_.size()) {}

void ChunkQueue::join(Peer peer, const std::vector<bool>& holds) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < std::min(holds.size(), chunks_.size()); ++i) {
    if (holds[i] && !contains(chunks_[i].holders, peer)) chunks_[i].holders.push_back(peer);
  }
  changed_.notify_all();
}

void ChunkQueue::leave(Peer peer) {
  const std::lock_guard lock(mutex_);
  for (Chunk& chunk : chunks_) {
    std::erase(chunk.holders, peer);
    std::erase(chunk.askers, peer);
  }
  changed_.notify_all();
}

bool ChunkQueue::is_free(const Chunk& chunk, Peer peer) const {
  if (chunk.is_arrived || !contains(chunk.holders, peer) || contains(chunk.askers, peer))
    return false;
  return chunk.askers.empty() || clock_.steady() - chunk.since >= kChunkPatience;
}

std::vector<std::size_t> ChunkQueue::claim(Peer peer) {
  const std::lock_guard lock(mutex_);
  std::vector<std::size_t> free;
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    if (is_free(chunks_[i], peer)) free.push_back(i);
  }
  // What nobody fetches comes before what somebody is slow with.
  std::ranges::stable_sort(free, {}, [&](std::size_t at) {
    return std::pair(!chunks_[at].askers.empty(), chunks_[at].holders.size());
  });
  if (free.size() > kChunksInFlight) free.resize(kChunksInFlight);
  for (const std::size_t at : free) {
    chunks_[at].askers.push_back(peer);
    chunks_[at].since = clock_.steady();
  }
  return free;
}

void ChunkQueue::note_arrived(std::size_t number) {
  const std::lock_guard lock(mutex_);
  chunks_[number].is_arrived = true;
  chunks_[number].askers.clear();
  changed_.notify_all();
}

void ChunkQueue::note_absent(Peer peer, std::size_t number) {
  const std::lock_guard lock(mutex_);
  std::erase(chunks_[number].holders, peer);
  std::erase(chunks_[number].askers, peer);
  changed_.notify_all();
}

void ChunkQueue::unclaim(Peer peer) {
  const std::lock_guard lock(mutex_);
  for (Chunk& chunk : chunks_) std::erase(chunk.askers, peer);
  changed_.notify_all();
}

bool ChunkQueue::is_arrived(std::size_t number) const {
  const std::lock_guard lock(mutex_);
  return chunks_[number].is_arrived;
}

bool ChunkQueue::is_needed(Peer peer) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(chunks_, [&](const Chunk& chunk) {
    return !chunk.is_arrived && contains(chunk.holders, peer);
  });
}

bool ChunkQueue::is_hopeless(std::size_t number) const {
  const std::lock_guard lock(mutex_);
  return !chunks_[number].is_arrived && chunks_[number].holders.empty();
}

void ChunkQueue::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kNap);
}

}  // namespace bmsg::node
