// Messages and chunks of files side by side: what a node gives to whoever names them.

#pragma once

#include <span>
#include <vector>

#include "lib/chain/pack.h"
#include "lib/node/service.h"

namespace bmsg::api {

/// Messages of pool and chain, then chunks of files, as far as one answer goes.
Result<std::vector<Message>> find_messages(node::Service& service, const std::vector<ShortId>& ids);

/// The same as frames of a pack.
Bytes pack_messages(const std::vector<Message>& messages);

/// Which of these that would find.
Result<std::vector<bool>> held_of(node::Service& service, const std::vector<ShortId>& ids);

/// What a chunk that a peer brings comes to: it is kept where there is a quota for it.
Result<node::MessageOutcome> take_chunk(node::Service& service, const Message& chunk);

}  // namespace bmsg::api
