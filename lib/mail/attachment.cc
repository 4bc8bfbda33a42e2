#include "lib/mail/attachment.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "lib/core/big_endian.h"
#include "lib/core/byte_reader.h"
#include "lib/core/check.h"
#include "lib/core/try.h"
#include "lib/crypto/aead.h"
#include "lib/crypto/kdf.h"
#include "lib/crypto/sha512.h"
#include "lib/mail/chunk_seal.h"
#include "lib/mail/records.h"
#include "lib/mail/text.h"

namespace bmsg::mail {
namespace {

constexpr std::size_t kManifestBytesMin = 8 + kFileKeyBytes + Digest::kSize + MessageId::kSize;

crypto::SecretBytes chunk_key(const crypto::SecretBytes& file_key, std::uint64_t number) {
  Bytes info = to_bytes("bmsg1 chunk");
  append_be(info, number);
  return crypto::hkdf(crypto::Hash::sha512, {}, file_key.view(), info, crypto::kAeadKeyBytes);
}

Error damaged(std::string_view what) { return Error{Errc::corrupt, std::string(what)}; }

}  // namespace

Bytes encode(const Manifest& manifest) {
  check(manifest.key.size() == kFileKeyBytes, "a file's key of another length");
  Bytes bytes;
  append_be(bytes, manifest.size);
  append(bytes, manifest.key.view());
  append(bytes, manifest.hash.view());
  append(bytes, manifest.index.view());
  append(bytes, as_bytes(manifest.name));
  return bytes;
}

Result<Manifest> decode_manifest(ByteView bytes) {
  if (bytes.size() < kManifestBytesMin) return Error{Errc::bad_input, "manifest: cut short"};
  ByteReader in(bytes);
  Manifest manifest;
  manifest.size = in.integer<std::uint64_t>();
  manifest.key = crypto::SecretBytes::from(in.take(kFileKeyBytes));
  manifest.hash = Digest::from(in.take(Digest::kSize));
  manifest.index = MessageId::from(in.take(MessageId::kSize));
  manifest.name = to_string(in.take(in.size_left()));
  if (manifest.size > kFileBytesMax)
    return Error{Errc::bad_input, "manifest: a file of more than 1 GiB"};
  if (manifest.name.size() > kFileNameBytesMax)
    return Error{Errc::bad_input, "manifest: a name of more than 255 bytes"};
  if (!is_utf8(manifest.name)) return Error{Errc::bad_input, "manifest: the name is not UTF-8"};
  return manifest;
}

std::size_t piece_bytes(std::uint64_t size, std::uint64_t number) {
  const std::uint64_t begin = number * kChunkBytes;
  return begin >= size ? 0 : static_cast<std::size_t>(std::min(size - begin, kChunkBytes * 1ul));
}

Message seal_chunk(const crypto::SecretBytes& file_key, std::uint64_t number, ByteView piece,
                   const ChunkHead& head) {
  Message chunk = seal_unhashed_chunk(file_key, number, piece, head);
  chunk.head.body_hash = chain::body_hash_of(*chunk.body);
  return chunk;
}

Message seal_unhashed_chunk(const crypto::SecretBytes& file_key, std::uint64_t number,
                            ByteView piece, const ChunkHead& head) {
  check(piece.size() <= kChunkBytes, "a piece that fits no chunk");
  Message chunk;
  if (padded_bytes(piece.size()) == piece.size()) {
    chunk.body = crypto::aead_seal(chunk_key(file_key, number), {}, {}, piece);
  } else {
    Bytes plain = to_bytes(piece);
    plain.resize(padded_bytes(piece.size()));
    chunk.body = crypto::aead_seal(chunk_key(file_key, number), {}, {}, plain);
    crypto::wipe(plain);
  }
  chunk.head.suite = Suite::chunk;
  chunk.head.chain = prefix_of<ChainTag>(head.chain.id);
  chunk.head.time = head.time;
  chunk.head.ttl = head.ttl;
  chunk.head.body_bytes = static_cast<std::uint32_t>(chunk.body->size());
  return chunk;
}

Result<crypto::SecretBytes> open_chunk(const crypto::SecretBytes& file_key, std::uint64_t number,
                                       ByteView body, std::size_t size) {
  if (body.size() != padded_bytes(size) + crypto::kAeadTagBytes)
    return damaged("a chunk is not as long as the file says");
  const auto plain = crypto::aead_open(chunk_key(file_key, number), {}, {}, body);
  if (!plain) return damaged("a chunk does not open with the key of the file");
  const ByteView padding = plain->view().subspan(size);
  if (std::ranges::any_of(padding, [](std::uint8_t byte) { return byte != 0; }))
    return damaged("what pads a chunk is not zero");
  return crypto::SecretBytes::from(plain->view().first(size));
}

std::uint64_t stamps_needed(const ChunkHead& head, std::uint64_t size) {
  MessageHead chunk;
  chunk.suite = Suite::chunk;
  chunk.ttl = head.ttl;
  const auto needed = [&](std::uint64_t piece) {
    chunk.body_bytes = static_cast<std::uint32_t>(padded_bytes(static_cast<std::size_t>(piece)) +
                                                  crypto::kAeadTagBytes);
    return chain::stamp_needed(head.chain, chunk);
  };
  const std::uint64_t rest = size % kChunkBytes;
  return size / kChunkBytes * needed(kChunkBytes) + (rest == 0 ? 0 : needed(rest)) +
         needed(chunks_of(size) * MessageId::kSize);
}

Result<std::vector<MessageId>> open_index(const Manifest& manifest, const Message& index) {
  if (!index.body) return damaged("the index of the file has no body");
  const auto count = static_cast<std::size_t>(chunks_of(manifest.size));
  BMSG_TRY_ASSIGN(const auto plain,
                  open_chunk(manifest.key, kIndexNumber, *index.body, count * MessageId::kSize));
  std::vector<MessageId> ids;
  for (std::size_t i = 0; i < count; ++i)
    ids.push_back(MessageId::from(plain.view().subspan(i * MessageId::kSize, MessageId::kSize)));
  return ids;
}

Result<Done> open_file(const Manifest& manifest, const std::vector<MessageId>& ids,
                       const FindChunk& find, const TakePiece& take) {
  crypto::Sha512 hash;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    BMSG_TRY_ASSIGN(const auto chunk, find(ids[i]));
    const bool is_it =
        chunk.body && chain::id_of(chunk.head) == ids[i] && !chain::find_body_violation(chunk);
    if (!is_it) return damaged("a chunk is not the one that the index names");
    BMSG_TRY_ASSIGN(const auto piece,
                    open_chunk(manifest.key, i, *chunk.body, piece_bytes(manifest.size, i)));
    hash.update(piece.view());
    BMSG_TRY(take(piece.view()));
  }
  if (hash.finish() == manifest.hash) return done;
  return damaged("the file is not what its sender said: the hash of the whole differs");
}

}  // namespace bmsg::mail
