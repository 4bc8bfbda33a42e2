// In which order messages of one minute read: heads round their time down, so that time alone
// does not say.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "lib/mail/records.h"

namespace bmsg::mail {

/// What places a message among others.
struct Placed {
  MessageId id;
  std::uint32_t time = 0;
  std::uint64_t seq = 0;
  std::optional<IdPrefix> prev;
  std::vector<MessageId> re;
};

/// Indexes of `messages` by time, then by the sender's number, but never an answer or a next
/// message before the one it names.
std::vector<std::size_t> reading_order(const std::vector<Placed>& messages);

}  // namespace bmsg::mail
