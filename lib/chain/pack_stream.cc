#include "lib/chain/pack_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lib/core/big_endian.h"
#include "lib/core/check.h"
#include "lib/core/limits.h"
#include "lib/core/try.h"

namespace bmsg::chain {
namespace {

constexpr std::size_t kMagicBytes = 4;
constexpr std::size_t kPieceBytes = 65536;
constexpr std::size_t kFrameHeadBytes = 5;

Error bad_frame(std::string_view what) {
  return Error{Errc::bad_input, fmt::format("frame: {}", what)};
}

}  // namespace

bool is_known(FrameType type) {
  switch (type) {
    case FrameType::genesis:
    case FrameType::header:
    case FrameType::block:
    case FrameType::compact:
    case FrameType::message:
    case FrameType::ids:
    case FrameType::peers:
    case FrameType::end:
      return true;
  }
  return false;
}

Result<Done> PackWriter::write(ByteView bytes) {
  BMSG_TRY(write_(bytes));
  hash_.update(bytes);
  bytes_ += bytes.size();
  return done;
}

Result<Done> PackWriter::begin() { return write(begin_pack()); }

Result<Done> PackWriter::add(FrameType type, ByteView payload) {
  check(payload.size() <= kFrameBytesMax, "a frame too long");
  Bytes head;
  append_be(head, static_cast<std::uint8_t>(type));
  append_be(head, static_cast<std::uint32_t>(payload.size()));
  BMSG_TRY(write(head));
  return write(payload);
}

Result<Done> PackWriter::finish() {
  const Digest digest = crypto::Sha512(hash_).finish();
  return add(FrameType::end, digest.view());
}

Result<std::optional<Frame>> PackReader::next() {
  if (failed_) return *failed_;
  auto frame = read_next();
  if (!frame) failed_ = frame.error();
  return frame;
}

Result<std::optional<Frame>> PackReader::read_next() {
  if (state_ == State::fresh) {
    std::array<std::uint8_t, kMagicBytes> magic{};
    BMSG_TRY_ASSIGN(const std::size_t got, fill(magic));
    if (got < magic.size() || to_bytes(ByteView(magic)) != begin_pack())
      return bad_frame("not a pack");
    hash_.update(magic);
    state_ = State::within;
  }
  while (state_ == State::within) {
    std::array<std::uint8_t, kFrameHeadBytes> head{};
    BMSG_TRY_ASSIGN(const std::size_t got, fill(head));
    if (got == 0) return bad_frame("no end");
    if (got < head.size()) return bad_frame("cut short");
    const auto type = static_cast<FrameType>(head[0]);
    const auto length = load_be<std::uint32_t>(head.data() + 1);
    if (length > kFrameBytesMax) return bad_frame("too long");
    if (type == FrameType::end) {
      BMSG_TRY(read_end(length));
      state_ = State::over;
      break;
    }
    hash_.update(head);
    if (!is_known(type)) {
      BMSG_TRY(skip_payload(length));
      continue;
    }
    BMSG_TRY_ASSIGN(auto payload, read_payload(length));
    return std::optional(Frame{type, std::move(payload)});
  }
  return std::optional<Frame>();
}

/// As much as there is, up to the end of the input.
Result<std::size_t> PackReader::fill(std::span<std::uint8_t> bytes) {
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    BMSG_TRY_ASSIGN(const std::size_t got, read_(bytes.subspan(filled)));
    if (got == 0) break;
    filled += got;
  }
  bytes_ += filled;
  return filled;
}

Result<Bytes> PackReader::read_payload(std::uint32_t length) {
  Bytes payload;
  while (payload.size() < length) {
    const std::size_t before = payload.size();
    payload.resize(before + std::min<std::size_t>(kPieceBytes, length - before));
    const std::span piece = std::span(payload).subspan(before);
    BMSG_TRY_ASSIGN(const std::size_t got, fill(piece));
    if (got < piece.size()) return bad_frame("cut short");
    hash_.update(piece);
  }
  return payload;
}

Result<Done> PackReader::skip_payload(std::uint32_t length) {
  Bytes piece(std::min<std::size_t>(kPieceBytes, length));
  for (std::size_t left = length; left > 0;) {
    const std::span part(piece.data(), std::min(left, piece.size()));
    BMSG_TRY_ASSIGN(const std::size_t got, fill(part));
    if (got < part.size()) return bad_frame("cut short");
    hash_.update(part);
    left -= part.size();
  }
  return done;
}

Result<Done> PackReader::read_end(std::uint32_t length) {
  if (length != Digest::kSize) return bad_frame("an end of another length");
  std::array<std::uint8_t, Digest::kSize> bytes{};
  BMSG_TRY_ASSIGN(const std::size_t got, fill(bytes));
  if (got < bytes.size()) return bad_frame("cut short");
  std::array<std::uint8_t, 1> more{};
  BMSG_TRY_ASSIGN(const std::size_t after, fill(more));
  if (after > 0) return bad_frame("bytes after the end");
  if (Digest::from(bytes) == hash_.finish()) return done;
  return Error{Errc::bad_input, "digest: the pack does not match its end"};
}

}  // namespace bmsg::chain
