// Proposals of a chain of endorsers to and from a peer, and the signatures of each.

#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "lib/core/result.h"
#include "lib/node/service.h"
#include "lib/node/sync_session.h"
#include "lib/node/transport.h"

namespace bmsg::node {

/// Those of `others` that are not among `ours`, or have a signature that we lack.
std::vector<ProposalNote> lacking(const std::vector<ProposalNote>& ours,
                                  const std::vector<ProposalNote>& others);

/// After the pools were compared: most messages of a proposal are there by then.
/// Threads: one at a time.
/// Errors:  Errc::protocol for answers that do not fit; else as Transport and Service.
class ProposalSync {
 public:
  /// Counts into `report`. `theirs`: what the peer's feed told.
  ProposalSync(Service& local, Transport& peer, const SyncOptions& options,
               const std::vector<ProposalNote>& theirs, SyncReport& report);

  /// One request; false when nothing is left.
  Result<bool> step();

 private:
  Result<Done> begin();
  Result<Done> pull();
  Result<Done> push();
  Result<Done> give(const Block& block, const std::vector<ShortId>& needed);

  Service& local_;
  Transport& peer_;
  SyncOptions options_;
  std::vector<ProposalNote> theirs_;
  SyncReport& report_;
  bool begun_ = false;
  std::deque<BlockHash> wanted_;
  std::deque<BlockHash> gifts_;
};

}  // namespace bmsg::node
