// What happened in a simulation, and what was broken first.

#pragma once

#include <cstdint>
#include <deque>
#include <string>

#include "lib/node/memory_store.h"

namespace bmsg {

/// Threads: one at a time.
class Chronicle {
 public:
  /// `shown_by`: a variable of the environment that has every line shown as it comes.
  explicit Chronicle(const char* shown_by);

  void begin_event() { ++event_; }
  void note(std::string line);
  /// Keeps `what` as the failure if it does not hold, unless there is one.
  void expect(bool holds, const std::string& what);

  bool is_broken() const { return !failure_.empty(); }
  /// What was broken first; empty: nothing.
  const std::string& failure() const { return failure_; }
  /// The last lines before that.
  std::string last_events() const;
  /// Of all lines: the same for the same lines.
  std::uint64_t digest() const { return digest_; }

 private:
  bool is_shown_;
  std::string failure_;
  std::deque<std::string> events_;
  std::uint64_t digest_ = 14695981039346656037ULL;  // FNV-1a.
  std::uint64_t event_ = 0;
};

/// Whether the pool or the blocks beside the chain take more than these bytes, though there is more
/// than one branch to forget; empty: they do not. `whose`: "its", for one.
std::string find_overflow(const node::MemoryStore::Records& records, std::uint64_t pool_bytes,
                          std::uint64_t side_bytes, const std::string& whose);

}  // namespace bmsg
