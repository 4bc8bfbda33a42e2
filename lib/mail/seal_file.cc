// Sealing a file: one thread reads and hashes the whole, others seal, stamp and put away chunks.

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "lib/chain/block_hash.h"
#include "lib/core/thread.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"
#include "lib/crypto/sha512_batch.h"
#include "lib/mail/attachment.h"
#include "lib/mail/chunk_seal.h"
#include "lib/mail/stamp.h"

namespace bmsg::mail {
namespace {

/// More threads than cores, since some wait for the disk.
constexpr unsigned kWaiting = 4;
constexpr unsigned kThreadsMax = 16;
constexpr std::size_t kAtOnce = 8;  // As many as are hashed at once.
constexpr std::size_t kWaitingMax = 2 * kAtOnce;

/// A part of the file that is to become a chunk.
struct Piece {
  std::uint64_t number = 0;
  crypto::SecretBytes bytes;
  std::size_t size = 0;
};

/// Few are hashed sooner one by one than in lanes of which most are idle.
std::vector<Digest> hashes_of(const std::vector<ByteView>& bodies) {
  if (bodies.size() >= kAtOnce / 2) return crypto::sha512_each(bodies);
  std::vector<Digest> hashes;
  for (const ByteView body : bodies) hashes.push_back(crypto::sha512(body));
  return hashes;
}

/// Makes chunks of pieces, several at once; some pieces wait, so that each thread takes as many as
/// are hashed at once.
///
/// Threads: one gives pieces; those of its own call the sink, and `told` one at a time.
class Sealer {
 public:
  Sealer(const crypto::SecretBytes& key, ChunkSink& sink, const SealOptions& options,
         const std::stop_token& stop)
      : key_(key), sink_(sink), options_(options), stop_(stop) {}
  Sealer(const Sealer&) = delete;
  Sealer& operator=(const Sealer&) = delete;
  ~Sealer() { end(); }

  /// Room for a piece, without what was in it.
  crypto::SecretBytes buffer();
  /// Waits where enough of them wait already.
  void add(Piece piece);
  /// Whether one failed, so that no more are wanted.
  bool has_failed() const { return has_failed_; }
  /// When all are done: their ids, or the fault of the first that has one.
  Result<std::vector<MessageId>> finish();
  /// Seals one here and now.
  Result<MessageId> seal(std::uint64_t number, ByteView bytes);

 private:
  void start();
  void work();
  void seal_all(std::vector<Piece> pieces);
  void note(Piece& piece, const Result<MessageId>& id);
  Result<MessageId> put(Message chunk);
  void end();

  const crypto::SecretBytes& key_;
  ChunkSink& sink_;
  const SealOptions& options_;
  const std::stop_token& stop_;
  std::mutex stamping_;  // A stamp takes all cores by itself.
  std::atomic<bool> has_failed_ = false;
  std::mutex mutex_;  // Of what follows, up to the threads.
  std::condition_variable changed_;
  std::condition_variable has_room_;
  std::deque<Piece> waiting_;
  std::vector<crypto::SecretBytes> buffers_;
  std::vector<MessageId> ids_;
  std::optional<std::pair<std::uint64_t, Error>> error_;
  std::uint64_t done_ = 0;
  std::size_t shares_ = 1;
  bool is_ending_ = false;
  bool is_started_ = false;
  std::vector<std::jthread> threads_;
};

crypto::SecretBytes Sealer::buffer() {
  const std::lock_guard lock(mutex_);
  if (buffers_.empty()) return crypto::SecretBytes(kChunkBytes);
  crypto::SecretBytes last = std::move(buffers_.back());
  buffers_.pop_back();
  return last;
}

/// A file of one chunk is not worth any thread, and one thread alone was asked for where calls
/// must come in order.
void Sealer::start() {
  is_started_ = true;
  const unsigned wanted = std::min(options_.threads - 1 + kWaiting, kThreadsMax);
  while (threads_.size() < wanted &&
         start_thread(threads_, [this](const std::stop_token&) { work(); })) {
  }
  const std::lock_guard lock(mutex_);
  shares_ = threads_.size() + 1;
}

void Sealer::add(Piece piece) {
  if (!is_started_ && options_.threads > 1 && piece.number > 0) start();
  {
    std::unique_lock lock(mutex_);
    if (!threads_.empty()) {
      has_room_.wait(lock, [this] { return waiting_.size() < kWaitingMax; });
      waiting_.push_back(std::move(piece));
      if (waiting_.size() >= kAtOnce) changed_.notify_one();
      return;
    }
  }
  std::vector<Piece> alone;
  alone.push_back(std::move(piece));
  seal_all(std::move(alone));
}

void Sealer::work() {
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return is_ending_ || waiting_.size() >= kAtOnce; });
    if (waiting_.empty()) return;
    // What is left at the end is shared, since each waits for the disk.
    const std::size_t share = waiting_.size() / shares_ + 1;
    const std::size_t most = is_ending_ ? std::min(share, kAtOnce) : kAtOnce;
    std::vector<Piece> pieces;
    for (; !waiting_.empty() && pieces.size() < most; waiting_.pop_front())
      pieces.push_back(std::move(waiting_.front()));
    lock.unlock();
    has_room_.notify_one();
    seal_all(std::move(pieces));
  }
}

void Sealer::seal_all(std::vector<Piece> pieces) {
  if (has_failed_) return;
  std::vector<Message> chunks;
  std::vector<ByteView> bodies;
  for (const Piece& piece : pieces) {
    const ByteView bytes = piece.bytes.view().first(piece.size);
    chunks.push_back(seal_unhashed_chunk(key_, piece.number, bytes, options_.head));
  }
  for (const Message& chunk : chunks) bodies.emplace_back(*chunk.body);
  const auto hashes = hashes_of(bodies);
  for (std::size_t i = 0; i < pieces.size() && !has_failed_; ++i) {
    chunks[i].head.body_hash = relabel<BodyHash>(hashes[i]);
    note(pieces[i], put(std::move(chunks[i])));
  }
}

void Sealer::note(Piece& piece, const Result<MessageId>& id) {
  const std::lock_guard lock(mutex_);
  buffers_.push_back(std::move(piece.bytes));
  if (!id) {
    has_failed_ = true;
    if (!error_ || piece.number < error_->first) error_.emplace(piece.number, id.error());
    return;
  }
  if (ids_.size() <= piece.number) ids_.resize(piece.number + 1);
  ids_[piece.number] = id.value();
  if (options_.told) options_.told(++done_);
}

Result<MessageId> Sealer::seal(std::uint64_t number, ByteView bytes) {
  return put(seal_chunk(key_, number, bytes, options_.head));
}

/// Stamps the chunk and puts it away, unless it lies there already.
Result<MessageId> Sealer::put(Message chunk) {
  const MessageId id = chain::id_of(chunk.head);
  BMSG_TRY_ASSIGN(const bool is_there, sink_.has(id));
  if (is_there) return id;
  {
    const std::lock_guard lock(stamping_);
    const auto nonce = find_stamp(chunk.head, options_.head.chain, options_.threads, stop_);
    if (!nonce) return Error{Errc::try_again, "stopped before the stamp was found"};
    chunk.nonce = *nonce;
  }
  BMSG_TRY(sink_.put(chunk, id));
  return id;
}

void Sealer::end() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_all();
  threads_.clear();  // Joins.
}

Result<std::vector<MessageId>> Sealer::finish() {
  end();
  if (error_) return error_->second;
  return std::move(ids_);
}

}  // namespace

Result<Manifest> seal_file(const crypto::SecretBytes& key, std::string name, const ReadPiece& read,
                           ChunkSink& sink, const SealOptions& options, std::stop_token stop) {
  crypto::Sha512 hash;
  Manifest manifest{
      .size = 0, .key = key.clone(), .hash = {}, .index = {}, .name = std::move(name)};
  Sealer sealer(key, sink, options, stop);
  for (std::uint64_t number = 0; !sealer.has_failed(); ++number) {
    Piece piece{.number = number, .bytes = sealer.buffer()};
    BMSG_TRY_ASSIGN(piece.size, read(piece.bytes.writable()));
    if (piece.size == 0) break;
    if (number == kChunksMax)
      return Error{Errc::bad_input,
                   "a file of more than 1 GiB; that is the limit of one attachment",
                   "send it in parts"};
    const std::size_t got = piece.size;
    hash.update(piece.bytes.view().first(got));
    manifest.size += got;
    sealer.add(std::move(piece));
    if (got < kChunkBytes) break;
  }
  BMSG_TRY_ASSIGN(const auto ids, sealer.finish());
  manifest.hash = hash.finish();
  Bytes index;
  for (const MessageId& id : ids) append(index, id.view());
  BMSG_TRY_ASSIGN(manifest.index, sealer.seal(kIndexNumber, index));
  return manifest;
}

}  // namespace bmsg::mail
