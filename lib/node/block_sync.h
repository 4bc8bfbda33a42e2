// Blocks from a peer, once headers have said which.

#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "lib/core/result.h"
#include "lib/node/block_queue.h"
#include "lib/node/header_sync.h"
#include "lib/node/service.h"
#include "lib/node/sync_session.h"
#include "lib/node/transport.h"

namespace bmsg::node {

/// A chain that ends with so many missing blocks is no first sync: where our pool is not empty,
/// their heads are asked for, and bodies that are not here.
inline constexpr std::size_t kBlocksByHeadsMax = 4;

/// What is stored together is no more than this, or one block. Source: what a first sync may hold.
inline constexpr std::size_t kRowBytesMax = 4u << 20;
/// Where blocks are large, fewer are asked for at once, so that an answer is about this long.
inline constexpr std::size_t kAnswerBytesMax = 4u << 20;

/// Whether all that is wrong is that bodies are not there: dropped by who gave the block, as he
/// may.
bool lacks_bodies(const Block& block, const chain::Violation& violation);

/// The messages of these blocks that are there without their bodies.
std::vector<ShortId> bodies_missing(const std::vector<Block>& blocks);

/// Fetches the blocks of a staged chain and hands them to our node, parents first; where the peer
/// can be asked ahead, the next are on their way while those that came are checked. What an earlier
/// attempt left here, or another session fetches through the same queue, is not fetched again.
/// Threads: one at a time.
/// Errors:  Errc::bad_input for a block that breaks a rule, Errc::protocol if blocks are withheld
///          or their bytes are not what their headers say, Errc::try_again if a branch was dropped
///          meanwhile, here or there; else as Transport and Service.
class BlockPull {
 public:
  /// Counts into `report`.
  BlockPull(Service& local, Transport& peer, BlockQueue& queue, StagedChain chain,
            SyncReport& report);
  ~BlockPull() { queue_.end(this); }
  BlockPull(const BlockPull&) = delete;
  BlockPull& operator=(const BlockPull&) = delete;

  /// At most one request; false when all is here or the rest is held.
  Result<bool> step();

 private:
  Result<Done> begin();
  Result<Done> skip_known();
  Result<bool> store_arrived();
  Result<bool> fetch();
  Result<std::vector<Block>> fetch_by_heads(const BlockQueue::Order& order);
  Result<std::size_t> fill_from_here(std::vector<Block>& blocks);
  Result<Done> fill_from_peer(std::vector<Block>& blocks);
  void expect_more();
  Result<bool> fetch_by_hash();
  bool take_row(std::vector<Block>& blocks, std::vector<BlockQueue::Session>& givers);
  Result<bool> submit(std::vector<Block> blocks, std::vector<BlockQueue::Session> givers);
  Result<bool> note_outcome(const Block& block, BlockQueue::Session giver, BlockOutcome outcome);
  std::size_t blocks_at_once() const;
  Height height_of(std::size_t at) const;

  Service& local_;
  Transport& peer_;
  BlockQueue& queue_;
  StagedChain chain_;
  SyncReport& report_;
  std::size_t next_ = 0;                       // In chain_.hashes.
  std::optional<BlockQueue::Order> expected_;  // What the peer is being asked for already.
  bool begun_ = false;
  std::uint64_t forgotten_ = 0;   // By the queue, when it was last seen.
  Bodies bodies_ = Bodies::with;  // What we need of them.
  bool by_heads_ = false;         // Our pool may have most of the bodies.
  std::uint64_t fetched_ = 0;     // Blocks, and the size of their messages.
  std::uint64_t fetched_bytes_ = 0;
  bool by_hash_ = false;  // Its best chain is another by now; the block may still be there.
};

}  // namespace bmsg::node
