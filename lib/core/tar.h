// Headers of tar archives, as far as backups need them: regular files, nothing else.
//
// Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Extended Header".

#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lib/core/bytes.h"
#include "lib/core/result.h"

namespace bmsg {

inline constexpr std::size_t kTarBlockBytes = 512;
inline constexpr std::size_t kTarPathBytesMax = 1024;
inline constexpr std::uint64_t kTarFileBytesMax = (std::uint64_t{1} << 33) - 1;  // 11 octal digits.

/// One file of an archive.
struct TarEntry {
  std::string path;
  std::uint64_t size = 0;
  bool executable = false;

  bool operator==(const TarEntry&) const = default;
};

/// The block or blocks before a file's bytes. A path that does not fit the header goes into an
/// extended header of its own. `time` in Unix seconds.
Bytes tar_header(const TarEntry& entry, std::uint64_t time);

/// Zeros that follow so many bytes of a file.
std::size_t tar_padding(std::uint64_t size);

/// What a block of 512 bytes says.
struct TarBlock {
  enum class Type { file, extended, end };
  Type type = Type::end;
  TarEntry entry;  // For `extended`: only its size.
};

/// Strict: a right checksum, and only regular files and extended headers.
/// Errors: Errc::bad_input, naming what is wrong.
Result<TarBlock> decode_tar_block(ByteView block);

/// The path in an extended header. Errors: Errc::bad_input if it says anything else.
Result<std::string> decode_extended_path(std::string_view text);

}  // namespace bmsg
