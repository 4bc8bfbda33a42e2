// Packs frame by frame, for files and pipes that may be larger than memory.
//
// A frame is the most that is held at a time, and memory is taken only for bytes that came: a
// length is a claim. The digest grows along; whoever reads learns at the end whether all of it was
// what was written, so what is used before that must prove itself.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "lib/chain/pack.h"
#include "lib/core/bytes.h"
#include "lib/core/result.h"
#include "lib/crypto/sha512.h"

namespace bmsg::chain {

/// Whether a frame is of a type that this version knows; others are skipped.
bool is_known(FrameType type);

/// Fills the front of a span and says how far; 0 only at the end of the input.
using ReadBytes = std::function<Result<std::size_t>(std::span<std::uint8_t>)>;
/// Writes all of a view.
using WriteBytes = std::function<Result<Done>(ByteView)>;

/// Writes one pack: begin(), then add() for each frame, then finish().
/// Threads: one at a time.
/// Errors:  as `write`.
class PackWriter {
 public:
  explicit PackWriter(WriteBytes write) : write_(std::move(write)) {}

  Result<Done> begin();
  /// The payload is at most kFrameBytesMax.
  Result<Done> add(FrameType type, ByteView payload);
  /// The E frame.
  Result<Done> finish();

  std::uint64_t bytes() const { return bytes_; }

 private:
  Result<Done> write(ByteView bytes);

  WriteBytes write_;
  crypto::Sha512 hash_;
  std::uint64_t bytes_ = 0;
};

/// Reads one pack, which must have its E frame and nothing after it.
/// Threads: one at a time.
/// Errors:  as split_pack(), and as `read`. After one, next() repeats it.
class PackReader {
 public:
  explicit PackReader(ReadBytes read) : read_(std::move(read)) {}

  /// The next frame of a known type but E; nullopt once the end was read and fits.
  Result<std::optional<Frame>> next();

  std::uint64_t bytes() const { return bytes_; }

 private:
  enum class State : std::uint8_t { fresh, within, over };

  Result<std::optional<Frame>> read_next();
  Result<std::size_t> fill(std::span<std::uint8_t> bytes);
  Result<Bytes> read_payload(std::uint32_t length);
  Result<Done> skip_payload(std::uint32_t length);
  Result<Done> read_end(std::uint32_t length);

  ReadBytes read_;
  crypto::Sha512 hash_;
  std::uint64_t bytes_ = 0;
  State state_ = State::fresh;
  std::optional<Error> failed_;
};

}  // namespace bmsg::chain
