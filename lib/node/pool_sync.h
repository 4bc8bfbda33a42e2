// Messages that wait for a block, both ways: ids first, then what the other lacks, the best stamps
// before the others: where time or bytes run out, those have come.

#pragma once

#include <cstddef>
#include <deque>
#include <unordered_set>
#include <vector>

#include "lib/core/result.h"
#include "lib/node/service.h"
#include "lib/node/sync_session.h"
#include "lib/node/transport.h"

namespace bmsg::node {

/// One exchange of pools. The peer's cursor moves on only when all that it told of was taken, ours
/// when all that is new here was offered and nothing of it was put off.
/// Threads: one at a time.
/// Errors:  Errc::protocol for messages that were not asked for or answers that do not fit; else as
///          Transport and Service.
class PoolSync {
 public:
  /// Counts into `report`.
  PoolSync(Service& local, Transport& peer, const SyncOptions& options, SyncReport& report);

  /// One request; false when nothing is left.
  Result<bool> step();

 private:
  using ShortIds = std::unordered_set<ShortId, FixedBytesHash>;
  enum class Stage : std::uint8_t { compare, pull, offer, give, over };

  Result<Done> compare();
  Result<Feed> offerable(const Feed& theirs);
  Result<Done> pull();
  Result<Done> drop_known(ShortIds& ids);
  Result<Done> take(const std::vector<Message>& messages, ShortIds& asked);
  Result<Done> offer();
  Result<Done> give();

  Service& local_;
  Transport& peer_;
  SyncOptions options_;
  SyncReport& report_;
  Stage stage_ = Stage::compare;
  std::string next_cursor_;
  std::string next_own_cursor_;
  bool complete_ = true;        // Nothing that was told of has to be asked for again.
  bool offered_all_ = true;     // Nothing of ours has to be offered again.
  std::deque<ShortId> wanted_;  // Of the peer.
  std::deque<ShortId> offers_;  // Ours that it may lack.
  std::deque<ShortId> gifts_;   // Ours that it said it needs.
};

}  // namespace bmsg::node
