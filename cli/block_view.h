// Blocks and raw messages as they are shown.

#pragma once

#include <string>
#include <vector>

#include "lib/api/json_objects.h"
#include "lib/core/result.h"
#include "lib/node/store.h"

namespace bmsg::cli {

api::BlockView block_view(const node::StoredHeader& stored);

/// Ids of a block's messages, in order.
Result<std::vector<MessageId>> ids_of_block(const node::ChainReader& chain, const BlockHash& hash);

/// "1482:0a1b2c3d 2026-11-22T14:03:00Z 3 messages".
std::string block_line(const node::StoredHeader& stored);

/// Several lines.
std::string block_text(const api::BlockView& view);

/// What a stranger may know of a message.
api::ObjectView object_view(const MessageId& id, const Message& message);
std::string object_text(const api::ObjectView& view);

/// A message of the chain or the pool; nullopt if it is in neither.
Result<std::optional<Message>> find_object(const node::ChainReader& chain, const MessageId& id);

}  // namespace bmsg::cli
