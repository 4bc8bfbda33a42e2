#include "lib/chain/block_hash.h"

#include <vector>

#include "lib/chain/merkle.h"
#include "lib/core/big_endian.h"
#include "lib/core/codec.h"
#include "lib/crypto/sha512.h"
#include "lib/crypto/sha512_batch.h"

namespace bmsg::chain {

BlockHash hash_of(const Header& header) {
  return relabel<BlockHash>(crypto::sha512(header_bytes(header)));
}

std::vector<BlockHash> hashes_of(std::span<const Header> headers) {
  Bytes encoded;
  encoded.reserve(headers.size() * kHeaderBytes);
  for (const Header& header : headers) append(encoded, header_bytes(header));
  std::vector<BlockHash> hashes;
  hashes.reserve(headers.size());
  for (const Digest& hash : crypto::sha512_each(encoded, kHeaderBytes))
    hashes.push_back(relabel<BlockHash>(hash));
  return hashes;
}

MessageId id_of(const MessageHead& head) {
  return relabel<MessageId>(crypto::sha512(encode(head)));
}

BodyHash body_hash_of(ByteView body) { return relabel<BodyHash>(crypto::sha512(body)); }

Digest leaf_of(const MessageId& id, std::uint64_t nonce) {
  Bytes leaf = to_bytes(id.view());
  append_be(leaf, nonce);
  return leaf_hash(leaf);
}

MerkleRoot message_root(const std::vector<MessageId>& ids, const std::vector<Message>& messages) {
  check(ids.size() == messages.size(), "ids of other messages");
  MerklePeaks tree;
  for (std::size_t i = 0; i < ids.size(); ++i) tree.add(leaf_of(ids[i], messages[i].nonce));
  return tree.root();
}

MerkleRoot message_root(const Block& block) { return message_root(ids_of(block), block.messages); }

std::vector<MessageId> ids_of(const Block& block) {
  std::vector<MessageId> ids;
  ids.reserve(block.messages.size());
  for (const Message& message : block.messages) ids.push_back(id_of(message.head));
  return ids;
}

}  // namespace bmsg::chain
