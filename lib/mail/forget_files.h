// Which chunks of files go with messages that are forgotten.

#pragma once

#include <vector>

#include "lib/mail/mailbox.h"
#include "lib/node/blob_directory.h"

namespace bmsg::mail {

/// Chunks, by whose files they are of.
struct GoingChunks {
  struct Files {
    std::vector<MessageId> pieces;
    std::vector<MessageId> indexes;  // Without which nobody knows the pieces.
  };
  Files own;     // Of messages that an identity of ours signed.
  Files others;  // Of anybody's: never a reason to let go what we have to give.

  std::size_t size() const {
    return own.pieces.size() + own.indexes.size() + others.pieces.size() + others.indexes.size();
  }
};

/// The chunks of the files of these messages, indexes among them, that no other message of the
/// mailbox needs. Nothing is known of a file whose index is not here.
///
/// A message may name chunks that are not its own. So what a stranger's message names goes only
/// from among what was kept or fetched, and never what another message here names; and it keeps
/// nothing from going that ours name.
/// Errors: as Mailbox and BlobDirectory.
Result<GoingChunks> going_chunks(const Mailbox& box, const MailKeys& keys,
                                 const node::BlobDirectory& blobs,
                                 const std::vector<MessageId>& messages);

/// Removes them from the shelves, durably; how many chunks went. Indexes go last: whoever is killed
/// before still finds what is left.
Result<std::uint64_t> remove_chunks(node::BlobDirectory& blobs, const GoingChunks& chunks);

}  // namespace bmsg::mail
