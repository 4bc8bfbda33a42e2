// Files of a message that is sent again: what its chunks hold goes out in new ones, under a new
// key.

#pragma once

#include <stop_token>
#include <vector>

#include "cli/command.h"
#include "cli/store_blobs.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/mail/attachment.h"

namespace bmsg::cli {

/// A file whose chunks lie in the store.
struct StoredFile {
  mail::Manifest manifest;
  std::vector<MessageId> chunks;
};

/// The files of these records, if all their chunks are here.
/// Errors: Errc::not_found naming the file of which one is missing; Errc::corrupt.
Result<std::vector<StoredFile>> stored_files(const StoreBlobs& blobs,
                                             const std::vector<Bytes>& records);

/// Makes their chunks anew, for as long as the message that they are for; the new records. The old
/// chunks stay until they expire. `mailbox_key` lets what was cut short go on.
/// Errors: as upload_file(); Errc::not_found if a chunk has gone meanwhile.
Result<std::vector<Bytes>> attach_again(Context& context, StoreBlobs& blobs,
                                        const std::vector<StoredFile>& files, std::uint32_t ttl,
                                        const crypto::SecretBytes* mailbox_key,
                                        std::stop_token stop);

}  // namespace bmsg::cli
