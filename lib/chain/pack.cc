#include "lib/chain/pack.h"

#include <fmt/format.h>

#include "lib/chain/block_hash.h"
#include "lib/chain/pack_stream.h"
#include "lib/core/big_endian.h"
#include "lib/core/byte_reader.h"
#include "lib/core/codec.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"

namespace bmsg::chain {
namespace {

constexpr std::string_view kMagic = "bmP1";
constexpr std::size_t kEntryBytes = ShortId::kSize + kNonceBytes;

Error bad_frame(std::string_view what) {
  return Error{Errc::bad_input, fmt::format("frame: {}", what)};
}

Result<FrameView> read_frame(ByteReader& reader) {
  const auto type = static_cast<FrameType>(reader.integer<std::uint8_t>());
  const auto length = reader.integer<std::uint32_t>();
  if (length > kFrameBytesMax) return bad_frame("too long");
  const ByteView payload = reader.take(length);
  if (reader.ran_short()) return bad_frame("cut short");
  return FrameView{type, payload};
}

/// `before` is all that precedes the E frame.
Result<Done> check_end(ByteView payload, ByteView before, const ByteReader& reader) {
  if (payload.size() != Digest::kSize) return bad_frame("an end of another length");
  if (reader.size_left() > 0) return bad_frame("bytes after the end");
  if (Digest::from(payload) != crypto::sha512(before)) {
    return Error{Errc::bad_input, "digest: the pack does not match its end"};
  }
  return done;
}

}  // namespace

Bytes begin_pack() { return to_bytes(kMagic); }

void append_frame(Bytes& pack, FrameType type, ByteView payload) {
  check(payload.size() <= kFrameBytesMax, "a frame too long");
  append_be(pack, static_cast<std::uint8_t>(type));
  append_be(pack, static_cast<std::uint32_t>(payload.size()));
  append(pack, payload);
}

void end_pack(Bytes& pack) { append_frame(pack, FrameType::end, crypto::sha512(pack).view()); }

Result<std::vector<Frame>> split_pack(ByteView pack, EndFrame end) {
  BMSG_TRY_ASSIGN(const auto views, view_pack(pack, end));
  std::vector<Frame> frames;
  frames.reserve(views.size());
  for (const FrameView& view : views) frames.push_back(Frame{view.type, to_bytes(view.payload)});
  return frames;
}

Result<std::vector<FrameView>> view_pack(ByteView pack, EndFrame end) {
  ByteReader reader(pack);
  if (as_text(reader.take(kMagic.size())) != kMagic) return bad_frame("not a pack");
  std::vector<FrameView> frames;
  while (reader.size_left() > 0) {
    const ByteView before = pack.first(pack.size() - reader.size_left());
    BMSG_TRY_ASSIGN(const FrameView frame, read_frame(reader));
    if (frame.type == FrameType::end) {
      BMSG_TRY(check_end(frame.payload, before, reader));
      return frames;
    }
    if (is_known(frame.type)) frames.push_back(frame);
  }
  if (end == EndFrame::required) return bad_frame("no end");
  return frames;
}

Bytes encode(const CompactBlock& compact) {
  check(compact.entries.size() == compact.sealed.header.count, "a compact block of another count");
  Bytes out = encode(compact.sealed);
  for (const CompactBlock::Entry& entry : compact.entries) {
    append(out, entry.id.view());
    append_be(out, entry.nonce);
  }
  return out;
}

Result<CompactBlock> decode_compact(ByteView bytes) {
  ByteReader reader(bytes);
  CompactBlock compact;
  BMSG_TRY_ASSIGN(compact.sealed, read_sealed_header(reader));
  const std::uint64_t count = compact.sealed.header.count;
  if (reader.size_left() != count * kEntryBytes) {
    return Error{Errc::bad_input, "malformed compact block: count"};
  }
  compact.entries.resize(count);
  for (CompactBlock::Entry& entry : compact.entries) {
    entry.id = reader.fixed<ShortId>();
    entry.nonce = reader.integer<std::uint64_t>();
  }
  return compact;
}

CompactBlock compact_of(const Block& block) {
  CompactBlock compact{.sealed = {block.header, block.seal}, .entries = {}};
  for (const Message& message : block.messages) {
    compact.entries.push_back({prefix_of<ShortId>(id_of(message.head)), message.nonce});
  }
  return compact;
}

Bytes encode_short_ids(const std::vector<ShortId>& ids) {
  Bytes out;
  for (const ShortId& id : ids) append(out, id.view());
  return out;
}

Result<std::vector<ShortId>> decode_short_ids(ByteView bytes) {
  if (bytes.size() % ShortId::kSize != 0) return Error{Errc::bad_input, "malformed ids: length"};
  ByteReader reader(bytes);
  std::vector<ShortId> ids;
  while (reader.size_left() > 0) ids.push_back(reader.fixed<ShortId>());
  return ids;
}

}  // namespace bmsg::chain
