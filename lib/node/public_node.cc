#include "lib/node/public_node.h"

#include <algorithm>
#include <unordered_set>

#include "lib/chain/block_hash.h"
#include "lib/core/try.h"

namespace bmsg::node {

Result<NodeInfo> PublicNode::info() {
  BMSG_TRY_ASSIGN(auto info, node_.info());
  if (sees_all()) return info;
  for (const MessageId& id : node_.embargo().kept()) {
    BMSG_TRY_ASSIGN(const auto found, node_.messages({prefix_of<ShortId>(id)}));
    BMSG_TRY_ASSIGN(const bool is_kept, node_.is_kept_back(id));
    if (found.empty() || !is_kept) continue;
    const std::uint64_t bytes = found.front().head.encoded_bytes();
    info.pool_messages -= std::min<std::uint64_t>(info.pool_messages, 1);
    info.pool_bytes -= std::min(info.pool_bytes, bytes);
  }
  return info;
}

Result<std::vector<Message>> PublicNode::messages(const std::vector<ShortId>& ids) {
  BMSG_TRY_ASSIGN(auto all, node_.messages(ids));
  if (sees_all()) return all;
  std::vector<Message> shown;
  for (Message& message : all) {
    BMSG_TRY_ASSIGN(const bool is_kept, node_.is_kept_back(chain::id_of(message.head)));
    if (!is_kept) shown.push_back(std::move(message));
  }
  return shown;
}

Result<Feed> PublicNode::feed(const std::string& cursor) {
  BMSG_TRY_ASSIGN(auto feed, node_.feed(cursor));
  if (sees_all()) return feed;
  // After the list was made: what ended being kept back before may be told of by it alone.
  std::unordered_set<ShortId, FixedBytesHash> hidden;
  for (const MessageId& id : node_.embargo().kept()) hidden.insert(prefix_of<ShortId>(id));
  std::erase_if(feed.messages, [&](const ShortId& id) { return hidden.contains(id); });
  return feed;
}

}  // namespace bmsg::node
