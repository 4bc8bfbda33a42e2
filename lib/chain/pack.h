// Packs: frames of blocks, headers and messages as they go over HTTP, through a pipe or in a file.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/core/block.h"
#include "lib/core/bytes.h"
#include "lib/core/result.h"

namespace bmsg::chain {

/// Source: bmsg-protocol(7), "Frames".
enum class FrameType : std::uint8_t {
  genesis = 'G',
  header = 'H',
  block = 'B',
  compact = 'C',
  message = 'M',
  ids = 'I',
  peers = 'P',
  end = 'E',
};

/// A frame: type 1, length 4, payload. At most kFrameBytesMax.
struct Frame {
  FrameType type;
  Bytes payload;
};

/// Begins a pack: the magic "bmP1".
Bytes begin_pack();
void append_frame(Bytes& pack, FrameType type, ByteView payload);
/// Appends the E frame: H of everything before it. Required in files and pipes.
void end_pack(Bytes& pack);

enum class EndFrame { optional, required };

/// Splits a pack into its frames; an E frame is checked and left out, unknown types are skipped.
/// Errors: Errc::bad_input "frame: …" for a cut or overlong frame, "digest: …" for a wrong E.
Result<std::vector<Frame>> split_pack(ByteView pack, EndFrame end);

/// A frame whose bytes stay where they are.
struct FrameView {
  FrameType type;
  ByteView payload;
};

/// The same without a copy, for as long as the pack lies still.
Result<std::vector<FrameView>> view_pack(ByteView pack, EndFrame end);

/// A block by its header and short ids: 16 bytes a message instead of all of it.
struct CompactBlock {
  SealedHeader sealed;
  struct Entry {
    ShortId id;
    std::uint64_t nonce = 0;
    bool operator==(const Entry&) const = default;
  };
  std::vector<Entry> entries;
  bool operator==(const CompactBlock&) const = default;
};

Bytes encode(const CompactBlock& compact);
Result<CompactBlock> decode_compact(ByteView bytes);
CompactBlock compact_of(const Block& block);

Bytes encode_short_ids(const std::vector<ShortId>& ids);
Result<std::vector<ShortId>> decode_short_ids(ByteView bytes);

}  // namespace bmsg::chain
