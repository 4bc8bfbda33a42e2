#include "lib/api/chunk_answers.h"

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "lib/node/blob_directory.h"

namespace bmsg::api {

Result<std::vector<Message>> find_messages(node::Service& service,
                                           const std::vector<ShortId>& ids) {
  BMSG_TRY_ASSIGN(auto messages, service.messages(ids));
  node::BlobDirectory* blobs = service.blobs();
  if (blobs == nullptr) return messages;
  std::size_t bytes = 0;
  for (const Message& message : messages) bytes += message.head.encoded_bytes();
  BMSG_TRY_ASSIGN(const auto held, blobs->offers(ids));
  for (std::size_t i = 0; i < ids.size() && bytes <= kFrameBytesMax; ++i) {
    if (!held[i]) continue;
    BMSG_TRY_ASSIGN(auto chunk, blobs->offered(ids[i]));
    if (!chunk) continue;
    bytes += chunk->head.encoded_bytes();
    messages.push_back(std::move(*chunk));
  }
  return messages;
}

Bytes pack_messages(const std::vector<Message>& messages) {
  Bytes pack = chain::begin_pack();
  for (const Message& message : messages) {
    if (pack.size() + message.head.encoded_bytes() > kFrameBytesMax) break;
    chain::append_frame(pack, chain::FrameType::message, encode(message));
  }
  return pack;
}

Result<std::vector<bool>> held_of(node::Service& service, const std::vector<ShortId>& ids) {
  std::vector<bool> held(ids.size());
  if (service.blobs() != nullptr) {
    BMSG_TRY_ASSIGN(held, service.blobs()->offers(ids));
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (held[i]) continue;
    BMSG_TRY_ASSIGN(const auto found, service.messages({ids[i]}));
    held[i] = !found.empty();
  }
  return held;
}

Result<node::MessageOutcome> take_chunk(node::Service& service, const Message& chunk) {
  if (service.blobs() != nullptr && service.blobs()->quota() > 0)
    return service.blobs()->take(chunk);
  return node::MessageOutcome{.id = chain::id_of(chunk.head),
                              .verdict = node::Verdict::refused,
                              .violation = {},
                              .room = node::Room::pool_full};
}

}  // namespace bmsg::api
