// OutboxSource: messages of ours that wait to be taken into the pool. lib/mail keeps them.

#pragma once

#include <string>
#include <vector>

#include "lib/core/message.h"
#include "lib/core/result.h"

namespace bmsg::node {

/// Queued messages in files that any process may add to at any time.
/// Threads: one at a time; other processes may write beside.
class OutboxSource {
 public:
  virtual ~OutboxSource() = default;

  struct Queued {
    std::string name;  // Of the file.
    Message message;
  };
  /// New ones, oldest first, up to `max`; a file that does not decode is set aside, not returned.
  virtual Result<std::vector<Queued>> new_messages(std::size_t max) = 0;
  /// It is in the pool, durably: the file moves on.
  virtual Result<Done> mark_taken(const std::string& name) = 0;
  /// It can never be taken, for a reason in words.
  virtual Result<Done> mark_failed(const std::string& name, const std::string& reason) = 0;
};

}  // namespace bmsg::node
