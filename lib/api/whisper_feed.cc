#include "lib/api/whisper_feed.h"

#include <algorithm>

#include "lib/core/try.h"

namespace bmsg::api {
namespace {

constexpr std::uint32_t kBlocksKnown = 200;  // What a reorg may bring again.

}  // namespace

Result<Done> WhisperFeed::begin(const node::ChainReader& chain, const Skip& skip) {
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  place_ = tip.hash;
  height_ = tip.height;
  BlockHash hash = tip.hash;
  for (std::uint32_t i = 0; i < kBlocksKnown; ++i) {
    BMSG_TRY_ASSIGN(const auto block, chain.block(hash, Bodies::without));
    if (!block || block->header.height.value == 0) break;
    for (const Message& message : block->messages) skip(message.head);
    hash = block->header.previous;
  }
  BMSG_TRY_ASSIGN(const auto pool, chain.pool(0));
  for (const node::PooledMessage& one : pool) {
    skip(one.message.head);
    arrival_ = one.arrival + 1;
  }
  return done;
}

Result<Done> WhisperFeed::look(const node::ChainReader& chain, const Take& take) {
  BMSG_TRY_ASSIGN(const bool took_all, look_at_blocks(chain, take));
  return took_all ? look_at_pool(chain, take) : Result<Done>(done);
}

/// Where the best chain and the branch of the last look part; blocks of it may be gone by now.
Result<Height> WhisperFeed::shared_height(const node::ChainReader& chain) const {
  BlockHash hash = place_;
  for (;;) {
    BMSG_TRY_ASSIGN(const auto stored, chain.header(hash));
    if (!stored) return Height{height_.value - std::min(height_.value, kBlocksKnown)};
    const Header& header = stored->sealed.header;
    if (stored->branch == node::Branch::main || header.height.value == 0) return header.height;
    hash = header.previous;
  }
}

Result<bool> WhisperFeed::look_at_blocks(const node::ChainReader& chain, const Take& take) {
  BMSG_TRY_ASSIGN(const auto tip, chain.tip());
  if (tip.hash == place_) return true;
  BMSG_TRY_ASSIGN(const Height shared, shared_height(chain));
  for (std::uint32_t height = shared.value + 1; height <= tip.height.value; ++height) {
    BMSG_TRY_ASSIGN(const auto hash, chain.hash_at(Height{height}));
    if (!hash) break;
    BMSG_TRY_ASSIGN(const auto block, chain.block(*hash, Bodies::with));
    if (!block) break;
    for (const Message& message : block->messages) {
      if (!take(message)) return false;
    }
    place_ = *hash;
    height_ = Height{height};
  }
  return true;
}

Result<Done> WhisperFeed::look_at_pool(const node::ChainReader& chain, const Take& take) {
  BMSG_TRY_ASSIGN(const auto pool, chain.pool(arrival_));
  for (const node::PooledMessage& one : pool) {
    if (!take(one.message)) return done;
    arrival_ = one.arrival + 1;
  }
  return done;
}

}  // namespace bmsg::api
