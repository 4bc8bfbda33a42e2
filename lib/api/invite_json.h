// The object `invite` of bmsg-json(5).

#pragma once

#include <optional>
#include <string>

#include "lib/core/ids.h"
#include "lib/node/store.h"

namespace bmsg::api {

struct InviteView {
  std::string uri;
  std::string host;  // With its port.
  ChainId chain;
  NodeKey node;
  std::optional<node::Checkpoint> checkpoint;  // Absent: the invite vouches for no block.
  bool card = false;                           // Whether one came along.
  bool room = false;                           // Whether the secret of a room did.
  bool dht = false;                            // Whether the secret for the hash table did.
};
std::string invite_json(const InviteView& view);

}  // namespace bmsg::api
