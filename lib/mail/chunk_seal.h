// A chunk before its body is hashed: for who hashes several at once. Not for use outside
// attachment.cc and seal_file.cc.

#pragma once

#include <cstdint>

#include "lib/mail/attachment.h"

namespace bmsg::mail {

/// As seal_chunk(), without the hash of the body.
Message seal_unhashed_chunk(const crypto::SecretBytes& file_key, std::uint64_t number,
                            ByteView piece, const ChunkHead& head);

}  // namespace bmsg::mail
