// Blocks to a peer whose chain is not as good as ours.

#pragma once

#include <optional>
#include <vector>

#include "lib/core/result.h"
#include "lib/node/header_sync.h"
#include "lib/node/service.h"
#include "lib/node/sync_session.h"
#include "lib/node/transport.h"

namespace bmsg::node {

/// Gives a peer the blocks of our better chain: first by short ids, since its pool may have the
/// messages; whole where it lacks most of them.
/// Threads: one at a time.
/// Errors:  Errc::protocol if the peer refuses a block or does not answer for each; Errc::try_again
///          if a chain changed meanwhile; else as Transport and Service.
class BlockPush {
 public:
  /// `mine` must be better than `theirs`. Counts into `report`.
  BlockPush(Service& local, Transport& peer, const Tip& mine, const Tip& theirs,
            SyncReport& report);

  /// One request; false when the peer has all, or holds it for later.
  Result<bool> step();

 private:
  Result<bool> find_fork();
  Result<bool> put_compact(const std::vector<Block>& blocks);
  Result<bool> put_needed(const Block& block);
  Result<bool> put_full(const std::vector<Block>& blocks);
  Result<std::vector<PutLine>> put(const Bytes& pack, std::size_t frames);
  /// Counts the lines up to the first block that was not taken, and returns that.
  std::optional<PutLine> count_taken(const std::vector<PutLine>& lines);
  Result<bool> give_up(const PutLine& line) const;

  Service& local_;
  Transport& peer_;
  Tip mine_;
  Tip theirs_;
  SyncReport& report_;
  ForkFinder finder_;
  std::optional<Height> next_;  // Once the fork is known.
  bool compared_ = false;
  bool full_ = false;
  std::vector<ShortId> needed_;  // Of the next block.
};

}  // namespace bmsg::node
