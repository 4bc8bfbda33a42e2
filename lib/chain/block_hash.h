// Ids: the hash of a header, the hash of a head, the leaf of a message in its block's tree.

#pragma once

#include <span>
#include <vector>

#include "lib/core/block.h"
#include "lib/core/ids.h"

namespace bmsg::chain {

BlockHash hash_of(const Header& header);
/// Of each, several at a time.
std::vector<BlockHash> hashes_of(std::span<const Header> headers);
MessageId id_of(const MessageHead& head);
BodyHash body_hash_of(ByteView body);

/// leaf_hash(id ‖ nonce): what a block's root commits to for one message.
Digest leaf_of(const MessageId& id, std::uint64_t nonce);

/// The root over the messages as they stand in `block`.
MerkleRoot message_root(const Block& block);
/// The same where the ids are known.
MerkleRoot message_root(const std::vector<MessageId>& ids, const std::vector<Message>& messages);

}  // namespace bmsg::chain
