// A block: sealed header and messages in the order of their ids.

#pragma once

#include <vector>

#include "lib/core/header.h"
#include "lib/core/message.h"

namespace bmsg {

struct Block {
  Header header;
  Seal seal;
  std::vector<Message> messages;

  bool operator==(const Block&) const = default;
};

/// Whether a block is wanted with the bodies of its messages.
enum class Bodies { with, without };

}  // namespace bmsg
