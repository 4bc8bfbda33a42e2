// Bodies that a light node wants, from a peer that keeps them.

#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <vector>

#include "lib/core/result.h"
#include "lib/node/service.h"
#include "lib/node/sync_session.h"
#include "lib/node/transport.h"

namespace bmsg::node {

/// Asks for all that is wanted, in the order of the ids: what is ours lies among what is not, and
/// the peer sees one list. From a mirror whole ranges of blocks are taken. What a peer does not
/// give stays wanted, for others.
/// Threads: one at a time.
/// Errors:  Errc::protocol for a body that was not asked for or is not what its head says; else as
///          Transport and Service.
class BodySync {
 public:
  /// Counts into `report`.
  BodySync(Service& local, Transport& peer, SyncReport& report);

  /// At most one request; false when nothing is left to ask for.
  Result<bool> step();

 private:
  Result<Done> begin();
  Result<Done> ask();
  Result<Done> ask_blocks();
  Result<Done> take(std::vector<Message> messages);

  Service& local_;
  Transport& peer_;
  SyncReport& report_;
  bool begun_ = false;
  std::map<MessageId, WantedBody> wanted_;  // What the peer has not been asked for or not given.
  std::deque<MessageId> left_;              // To ask for.
  std::deque<Height> ranges_;               // The same of a mirror: where aligned ranges begin.
};

}  // namespace bmsg::node
