#include "lib/chain/block_digests.h"

#include <utility>

#include "lib/chain/merkle.h"
#include "lib/core/big_endian.h"
#include "lib/core/codec.h"
#include "lib/crypto/sha512_batch.h"

namespace bmsg::chain {
namespace {

constexpr std::size_t kStampedBytes = MessageId::kSize + kNonceBytes;
constexpr std::uint8_t kLeaf = 0;  // Before what a leaf holds, as in leaf_hash().

/// The messages of all blocks, one after the other.
std::vector<const Message*> messages_of(std::span<const Block> blocks) {
  std::vector<const Message*> messages;
  for (const Block& block : blocks) {
    for (const Message& message : block.messages) messages.push_back(&message);
  }
  return messages;
}

/// Encodes the heads into `bytes`, which must stay as it is as long as the views are used.
std::vector<ByteView> encode_heads(const std::vector<const Message*>& messages, Bytes& bytes) {
  std::size_t size = 0;
  for (const Message* message : messages) size += message->head.head_bytes();
  bytes.reserve(size);  // Views into it stay good.
  std::vector<ByteView> heads;
  heads.reserve(messages.size());
  for (const Message* message : messages) {
    const std::size_t begin = bytes.size();
    append_head(bytes, message->head);
    heads.push_back(ByteView(bytes).subspan(begin));
  }
  return heads;
}

/// The hash of each head, then of each body that is there.
std::vector<Digest> hash_parts(const std::vector<const Message*>& messages) {
  Bytes heads;
  std::vector<ByteView> parts = encode_heads(messages, heads);
  parts.reserve(2 * messages.size());
  for (const Message* message : messages) {
    if (message->body) parts.push_back(*message->body);
  }
  return crypto::sha512_each(parts);
}

/// Each id with its nonce behind it, and `before` it what a leaf begins with, if anything.
std::vector<Digest> hash_stamped(const std::vector<const Message*>& messages,
                                 std::span<const Digest> ids, ByteView before) {
  Bytes inputs;
  const std::size_t size = before.size() + kStampedBytes;
  inputs.reserve(messages.size() * size);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    append(inputs, before);
    append(inputs, ids[i].view());
    append_be(inputs, messages[i]->nonce);
  }
  return crypto::sha512_each(inputs, size);
}

}  // namespace

std::vector<BlockDigests> digests_of(std::span<const Block> blocks) {
  const auto messages = messages_of(blocks);
  const std::vector<Digest> parts = hash_parts(messages);
  const auto ids = std::span(parts).first(messages.size());
  const std::vector<Digest> stamped = hash_stamped(messages, ids, {});
  std::vector<std::size_t> counts;
  for (const Block& block : blocks) counts.push_back(block.messages.size());
  const auto roots = roots_of(hash_stamped(messages, ids, {&kLeaf, 1}), counts);

  std::vector<BlockDigests> all(blocks.size());
  std::size_t at = 0;
  std::size_t next_body = messages.size();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    BlockDigests& one = all[i];
    one.root = roots[i];
    one.ids.reserve(counts[i]);
    one.stamps.reserve(counts[i]);
    one.bodies.reserve(counts[i]);
    for (const Message& message : blocks[i].messages) {
      one.ids.push_back(relabel<MessageId>(ids[at]));
      one.stamps.push_back(load_be<std::uint64_t>(stamped[at++].data()));
      one.bodies.push_back(message.body ? relabel<BodyHash>(parts[next_body++]) : BodyHash());
    }
  }
  return all;
}

std::vector<MessageId> ids_of(const Block& block) {
  Bytes heads;
  const auto parts = encode_heads(messages_of({&block, 1}), heads);
  std::vector<MessageId> ids;
  ids.reserve(parts.size());
  for (const Digest& digest : crypto::sha512_each(parts)) ids.push_back(relabel<MessageId>(digest));
  return ids;
}

}  // namespace bmsg::chain
