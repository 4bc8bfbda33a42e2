// Attachments: files of any size beside a message.
//
// A file is cut into chunks of 256 KiB, each encrypted under a key of its own, all of which come
// from one key of the file that is new for each upload. A chunk travels as a message of suite 3:
// with a stamp, judged by its head alone, never in a block. The ids of the chunks are the index,
// encrypted as one chunk more. The message that the file belongs to carries the manifest: size,
// key, hash of the whole, id of the index and name. So whoever keeps chunks learns nothing of the
// file but how long it is, and whoever changes one is found out before a byte of it is used.
// Source: bmsg-format(5), "Attachments".

#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "lib/chain/rules_text.h"
#include "lib/core/message.h"
#include "lib/core/result.h"
#include "lib/crypto/secret_bytes.h"

namespace bmsg::mail {

inline constexpr std::size_t kChunkBytes = 262'144;
inline constexpr std::uint64_t kChunksMax = 4'096;  // Their ids fill one chunk.
inline constexpr std::uint64_t kFileBytesMax = kChunksMax * kChunkBytes;
inline constexpr std::size_t kFileKeyBytes = 32;
inline constexpr std::uint64_t kIndexNumber = ~std::uint64_t{0};  // The index, among chunks.
inline constexpr std::size_t kFileNameBytesMax = 255;

/// What a message says of a file: the record 0a.
/// Shape: size 8, key 32, hash of the file 64, id of the index 64, name (UTF-8, up to 255 bytes).
struct Manifest {
  std::uint64_t size = 0;
  crypto::SecretBytes key;
  Digest hash;
  MessageId index;
  std::string name;  // As the sender says: never a path to write to.
};

Bytes encode(const Manifest& manifest);
/// Errors: Errc::bad_input for what no sender writes.
Result<Manifest> decode_manifest(ByteView bytes);

/// How many chunks a file of so many bytes has.
constexpr std::uint64_t chunks_of(std::uint64_t size) {
  return size / kChunkBytes + (size % kChunkBytes == 0 ? 0 : 1);
}
/// Bytes of the file in one of them.
std::size_t piece_bytes(std::uint64_t size, std::uint64_t number);

/// What the heads of chunks have in common.
struct ChunkHead {
  const chain::ChainRules& chain;
  std::uint32_t time = 0;
  std::uint32_t ttl = 0;
};

/// A piece of a file as message, without its stamp. The same key and number must never be used with
/// other bytes.
Message seal_chunk(const crypto::SecretBytes& file_key, std::uint64_t number, ByteView piece,
                   const ChunkHead& head);
/// The piece, of which `size` is known before. Errors: Errc::corrupt if it is not that chunk.
Result<crypto::SecretBytes> open_chunk(const crypto::SecretBytes& file_key, std::uint64_t number,
                                       ByteView body, std::size_t size);

/// Hashes that stamping a file of this size takes in the mean, index included.
std::uint64_t stamps_needed(const ChunkHead& head, std::uint64_t size);

/// Where chunks go while a file is sealed.
/// Threads: any, where the file is sealed by several.
class ChunkSink {
 public:
  virtual ~ChunkSink() = default;
  /// Whether this chunk was put before and is whole.
  virtual Result<bool> has(const MessageId& id) = 0;
  /// Durable when it returns.
  virtual Result<Done> put(const Message& chunk, const MessageId& id) = 0;
};

/// Reads up to so many bytes; fewer only at the end.
using ReadPiece = std::function<Result<std::size_t>(std::span<std::uint8_t>)>;
/// Told after each chunk, by one thread at a time: how many are done.
using ToldChunk = std::function<void(std::uint64_t)>;

struct SealOptions {
  ChunkHead head;
  unsigned threads = 1;  // Of one, all is done in order, by the caller's.
  ToldChunk told = {};
};

/// Seals what `read` gives under this key, stamped, chunk by chunk, several at once; no more than
/// some dozens of them are in memory. What `sink` has already is not stamped again.
/// Errors: Errc::bad_input for more than kFileBytesMax; Errc::try_again if stopped; as both.
Result<Manifest> seal_file(const crypto::SecretBytes& key, std::string name, const ReadPiece& read,
                           ChunkSink& sink, const SealOptions& options, std::stop_token stop);

/// The ids of the file's chunks. Errors: Errc::corrupt if that is not its index.
Result<std::vector<MessageId>> open_index(const Manifest& manifest, const Message& index);

/// Gives a chunk of this id, whole.
using FindChunk = std::function<Result<Message>(const MessageId&)>;
using TakePiece = std::function<Result<Done>(ByteView)>;

/// Gives the file piece by piece to `take`, each one verified before. That the whole is what the
/// manifest says is known only at the end: an error then means that what was given is worth
/// nothing. Errors: Errc::corrupt; as both.
Result<Done> open_file(const Manifest& manifest, const std::vector<MessageId>& ids,
                       const FindChunk& find, const TakePiece& take);

}  // namespace bmsg::mail
