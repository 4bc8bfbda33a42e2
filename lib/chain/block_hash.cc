#include "lib/chain/block_hash.h"

#include <algorithm>
#include <array>
#include <vector>

#include "lib/chain/block_digests.h"
#include "lib/chain/merkle.h"
#include "lib/core/big_endian.h"
#include "lib/core/codec.h"
#include "lib/crypto/sha512.h"
#include "lib/crypto/sha512_batch.h"

namespace bmsg::chain {
namespace {

constexpr std::size_t kHashedAtOnce = 128;  // Headers whose bytes stay near the processor.

}  // namespace

BlockHash hash_of(const Header& header) {
  return relabel<BlockHash>(crypto::sha512(header_bytes(header)));
}

std::vector<BlockHash> hashes_of(std::span<const Header> headers) {
  std::vector<std::array<std::uint8_t, kHeaderBytes>> encoded(
      std::min(headers.size(), kHashedAtOnce));
  std::vector<BlockHash> hashes;
  hashes.reserve(headers.size());
  while (!headers.empty()) {
    const auto some = headers.first(std::min(headers.size(), kHashedAtOnce));
    headers = headers.subspan(some.size());
    for (std::size_t i = 0; i < some.size(); ++i) encoded[i] = header_bytes(some[i]);
    const ByteView bytes(encoded[0].data(), some.size() * kHeaderBytes);
    for (const Digest& hash : crypto::sha512_each(bytes, kHeaderBytes))
      hashes.push_back(relabel<BlockHash>(hash));
  }
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

}  // namespace bmsg::chain
