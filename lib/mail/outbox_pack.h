// A pack: outbox files that were queued together, as one file, so that they wait for the disk once.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/mail/outbox_file.h"

namespace bmsg::mail {

/// One of the files in a pack.
struct PackedFile {
  UnixSeconds since;
  MessageId id;
  std::uint32_t bytes = 0;
  std::size_t begin = 0;  // In the pack.

  /// What it is called outside of the pack.
  std::string name() const;
};

/// Written once, never changed; who needs one of its files elsewhere unpacks it.
///
/// Shape:   "bmU1", version 1 (1), count 4, for each since 8, id 64, length 4; H of all before 64;
///          then the outbox files, one after the other.
/// Threads: any.
/// Source:  bmsg-format(5), "Outbox file".
class OutboxPack {
 public:
  /// Looks at the front alone: each file has a hash of its own.
  /// Errors: Errc::corrupt, saying where; Errc::bad_config for a newer version.
  static Result<OutboxPack> decode(Bytes bytes);

  const std::vector<PackedFile>& files() const { return files_; }
  /// Null if it is not here.
  const PackedFile* find(const MessageId& id) const;
  ByteView bytes_of(const PackedFile& file) const;

 private:
  Bytes bytes_;
  std::vector<PackedFile> files_;
};

/// Bytes of a pack, and what it is called: "SINCE.H.pack", H of its front, so that two packs never
/// have one name.
struct EncodedPack {
  std::string name;
  Bytes bytes;
};
EncodedPack encode_pack(const std::vector<OutboxFile>& files);

inline constexpr std::string_view kPackEnd = ".pack";
/// Of a pack that is being unpacked: whoever finds it goes on with that.
inline constexpr std::string_view kUnpackedEnd = ".unpack";
/// Whether a name is a pack's, also of one that is being unpacked.
bool is_pack_name(std::string_view name);

inline constexpr std::size_t kPackFilesMax = 4096;
inline constexpr std::size_t kPackBytesMax = 64u << 20;

}  // namespace bmsg::mail
