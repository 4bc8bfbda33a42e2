// Upload: where the chunks of a file lie while it is sealed, until all of them are there.
//
// They lie in a directory of their own, upload-… beside the shelves, and go to the shelf `own`
// together at the end: of a file that was not sealed to its end nobody is told, and no chunk goes
// out. Stamps are dear, so a file that is sent again after its sender was killed finds those that
// are done: key and time are kept under the mailbox key, bound to the hash of the file. The key is
// thus never used with other content, which would give both away.

#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>

#include "lib/core/entropy.h"
#include "lib/core/file_lock.h"
#include "lib/mail/attachment.h"
#include "lib/node/blob_directory.h"

namespace bmsg::mail {

/// A file that can be read twice.
struct KnownFile {
  Digest hash;
  std::uint64_t size = 0;
};

/// What an upload needs of its surroundings. References outlive it.
struct UploadContext {
  node::BlobDirectory& blobs;
  Entropy& entropy;
  UnixSeconds now;
  std::uint32_t ttl = 0;
  const crypto::SecretBytes* mailbox_key = nullptr;  // Without: nothing is found again.
};

/// Threads: any for has() and put(), one at a time for the rest.
/// Errors:  as Disk.
class Upload final : public ChunkSink {
 public:
  /// Of a stream: what is cut short is lost.
  static Result<Upload> begin(const UploadContext& context);
  /// Goes on with an upload of this very file for as long a time, if one was cut short of late.
  static Result<Upload> resume(const UploadContext& context, const KnownFile& file);
  Upload(Upload&&) = default;
  ~Upload() override = default;

  const crypto::SecretBytes& key() const { return key_; }
  std::uint32_t time() const { return time_; }
  /// Chunks that were there when it began.
  std::size_t found() const { return found_; }

  Result<bool> has(const MessageId& id) override;
  Result<Done> put(const Message& chunk, const MessageId& id) override;
  /// All are there: they are ours to give from now on.
  Result<Done> finish();
  /// Removes what finish() has not moved.
  Result<Done> abandon();

 private:
  Upload(node::BlobDirectory& blobs, std::filesystem::path directory, FileLock lock)
      : blobs_(&blobs), directory_(std::move(directory)), lock_(std::move(lock)) {}
  Result<bool> read_state(const UploadContext& context, const MessageId& bound);
  Result<Done> write_state(const UploadContext& context, const MessageId* bound);

  node::BlobDirectory* blobs_;
  std::filesystem::path directory_;
  FileLock lock_;
  crypto::SecretBytes key_;
  std::uint32_t time_ = 0;
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();  // Of what follows.
  std::map<MessageId, node::Blob> chunks_;
  std::set<node::Blob> used_;  // Of them, what this content is made of: no other leaves.
  std::size_t found_ = 0;
};

/// Removes what killed senders left and nobody can go on with.
Result<Done> sweep_uploads(Disk& disk, const std::filesystem::path& blobs, UnixSeconds now);

}  // namespace bmsg::mail
