// Files that go along with a message: from paths and pipes to chunks in the store.

#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/store_blobs.h"
#include "lib/core/descriptor.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/mail/attachment.h"
#include "lib/mail/upload.h"

namespace bmsg::cli {

/// A file as it was asked for.
struct AttachmentWish {
  std::string path;  // "-": standard input.
  std::string name;  // As the recipients see it.
};

/// Names for paths: their last parts, or the one that --attach-name gives.
/// Errors: Errc::bad_usage if it is not clear which file that is for, or a pipe stands there twice.
Result<std::vector<AttachmentWish>> attachment_wishes(const std::vector<std::string>& paths,
                                                      const std::string& name);

/// The files of one message. Each is opened and looked at before anything else is done.
class Attachments {
 public:
  /// Errors: Errc::not_found; Errc::bad_usage for a name that cannot be one; Errc::bad_input for a
  ///         file of more than 1 GiB.
  static Result<Attachments> open(Context& context, const std::vector<AttachmentWish>& wishes);

  bool empty() const { return files_.empty(); }
  bool has_pipe() const;
  /// Records as long as those to come, equal for equal files: no key, and no id of an index.
  std::vector<Bytes> outlines() const;

  /// What it takes for all of them, a pipe left out.
  struct Work {
    std::uint64_t bytes = 0;
    std::uint64_t chunks = 0;
    std::uint64_t hashes = 0;
    double seconds = 0;  // About, on this machine.
  };
  Work work(const mail::ChunkHead& head) const;
  /// The same for files of these sizes.
  static Work work_of(const std::vector<std::uint64_t>& sizes, const mail::ChunkHead& head);

  /// Reads those that can be read twice, for their hashes.
  Result<Done> hash();
  /// Makes the chunks, stamped and durable in the store; the records. From then on hashes are known
  /// of pipes, too. `mailbox_key` lets an upload that was cut short go on; null: it begins anew.
  Result<std::vector<Bytes>> upload(Context& context, StoreBlobs& blobs, std::uint32_t ttl,
                                    const crypto::SecretBytes* mailbox_key, std::stop_token stop);

 private:
  struct File {
    AttachmentWish wish;
    Descriptor opened;  // None: standard input.
    bool is_pipe = false;
    std::uint64_t size = 0;  // Of a pipe: unknown until it was read.
    Digest hash;
  };
  Result<mail::Manifest> upload_one(Context& context, const mail::UploadContext& place,
                                    const chain::ChainRules& rules, File& file,
                                    std::stop_token stop);

  std::vector<File> files_;
};

/// One file that is to be sealed.
struct SealJob {
  std::string name;   // As the recipients see it.
  std::string title;  // As whoever sends it does.
  mail::ReadPiece read;
  std::optional<mail::KnownFile> known;  // None: a pipe, read once.
};

/// Makes the chunks of a file, stamped and durable in the store, and shows how far it is.
/// Errors: Errc::try_again if stopped, or if it is not the file that is known; as seal_file().
Result<mail::Manifest> upload_file(Context& context, const mail::UploadContext& place,
                                   const chain::ChainRules& rules, const SealJob& job,
                                   std::stop_token stop);

/// "3 files, 12 chunks, 96 million hashes, about 14 s".
std::string work_text(const Attachments::Work& work);

}  // namespace bmsg::cli
