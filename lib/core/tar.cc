#include "lib/core/tar.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lib/core/check.h"
#include "lib/core/try.h"

namespace bmsg {
namespace {

// Where the fields lie.
constexpr std::size_t kNameBytes = 100;
constexpr std::size_t kModeAt = 100;
constexpr std::size_t kOwnerAt = 108;
constexpr std::size_t kGroupAt = 116;
constexpr std::size_t kSizeAt = 124;
constexpr std::size_t kTimeAt = 136;
constexpr std::size_t kSumAt = 148;
constexpr std::size_t kTypeAt = 156;
constexpr std::size_t kMagicAt = 257;
constexpr std::size_t kPrefixAt = 345;
constexpr std::size_t kPrefixBytes = 155;
constexpr std::size_t kLongBytes = 12;  // Of size and time.
constexpr std::size_t kShortBytes = 8;  // Of mode, owner, group and sum.
constexpr std::string_view kMagic{
    "ustar\0"
    "00",
    8};
constexpr char kFile = '0';
constexpr char kExtended = 'x';

void put(Bytes& block, std::size_t at, std::string_view text) {
  std::ranges::copy(text, block.begin() + static_cast<std::ptrdiff_t>(at));
}

void put_number(Bytes& block, std::size_t at, std::size_t bytes, std::uint64_t number) {
  put(block, at, fmt::format("{:0{}o}", number, bytes - 1));
}

/// The sum of all bytes, those of the sum itself taken for spaces.
std::uint64_t sum_of(ByteView block) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < block.size(); ++i) {
    const bool in_sum = i >= kSumAt && i < kSumAt + kShortBytes;
    sum += in_sum ? std::uint8_t{' '} : block[i];
  }
  return sum;
}

/// The one form of a block's sum that is written and read.
std::string sum_text(ByteView block) {
  return fmt::format("{:06o}", sum_of(block)) + std::string("\0 ", 2);
}

Bytes header_block(std::string_view name, std::uint64_t size, bool executable, char type,
                   std::uint64_t time) {
  Bytes block(kTarBlockBytes);
  put(block, 0, name);
  put_number(block, kModeAt, kShortBytes, executable ? 0700 : 0600);
  put_number(block, kOwnerAt, kShortBytes, 0);
  put_number(block, kGroupAt, kShortBytes, 0);
  put_number(block, kSizeAt, kLongBytes, size);
  put_number(block, kTimeAt, kLongBytes, time);
  block[kTypeAt] = static_cast<std::uint8_t>(type);
  put(block, kMagicAt, kMagic);
  put(block, kSumAt, sum_text(block));
  return block;
}

/// "LENGTH path=PATH\n", where the length counts its own digits.
std::string extended_text(std::string_view path) {
  const std::size_t rest = std::string_view(" path=\n").size() + path.size();
  std::size_t length = rest;
  while (length != rest + std::to_string(length).size())
    length = rest + std::to_string(length).size();
  return fmt::format("{} path={}\n", length, path);
}

std::string text_at(ByteView block, std::size_t at, std::size_t bytes) {
  const std::string_view field = as_text(block.subspan(at, bytes));
  return std::string(field.substr(0, field.find('\0')));
}

Result<std::uint64_t> number_at(ByteView block, std::size_t at, std::size_t bytes) {
  std::string text = text_at(block, at, bytes);
  text.erase(text.find_last_not_of(' ') + 1);
  std::uint64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number, 8);
  if (failed == std::errc() && end == text.data() + text.size()) return number;
  return Error{Errc::bad_input, "a number in the archive is malformed"};
}

}  // namespace

Bytes tar_header(const TarEntry& entry, std::uint64_t time) {
  check(entry.size <= kTarFileBytesMax && entry.path.size() <= kTarPathBytesMax,
        "a file that no archive holds");
  if (entry.path.size() <= kNameBytes)
    return header_block(entry.path, entry.size, entry.executable, kFile, time);
  const std::string text = extended_text(entry.path);
  Bytes bytes = header_block("extended", text.size(), false, kExtended, time);
  append(bytes, as_bytes(text));
  bytes.resize(bytes.size() + tar_padding(text.size()));
  append(bytes, header_block("long", entry.size, entry.executable, kFile, time));
  return bytes;
}

std::size_t tar_padding(std::uint64_t size) {
  return (kTarBlockBytes - size % kTarBlockBytes) % kTarBlockBytes;
}

Result<TarBlock> decode_tar_block(ByteView block) {
  check(block.size() == kTarBlockBytes, "a block of an archive of another size");
  if (std::ranges::all_of(block, [](std::uint8_t byte) { return byte == 0; })) return TarBlock();
  if (as_text(block.subspan(kMagicAt, kMagic.size())) != kMagic)
    return Error{Errc::bad_input, "this is no archive in POSIX form"};
  if (as_text(block.subspan(kSumAt, kShortBytes)) != sum_text(block))
    return Error{Errc::bad_input, "a header of the archive is damaged"};
  TarBlock found;
  const char type = static_cast<char>(block[kTypeAt]);
  if (type != kFile && type != kExtended) {
    return Error{Errc::bad_input, fmt::format("the archive holds something else than files, of "
                                              "type {:02x}",
                                              static_cast<unsigned char>(type))};
  }
  found.type = type == kFile ? TarBlock::Type::file : TarBlock::Type::extended;
  BMSG_TRY_ASSIGN(found.entry.size, number_at(block, kSizeAt, kLongBytes));
  BMSG_TRY_ASSIGN(const auto mode, number_at(block, kModeAt, kShortBytes));
  found.entry.executable = (mode & 0100U) != 0;
  const std::string prefix = text_at(block, kPrefixAt, kPrefixBytes);
  found.entry.path = (prefix.empty() ? "" : prefix + "/") + text_at(block, 0, kNameBytes);
  return found;
}

Result<std::string> decode_extended_path(std::string_view text) {
  const auto equals = text.find('=');
  if (equals != std::string_view::npos && text.ends_with('\n')) {
    const std::string path(text.substr(equals + 1, text.size() - equals - 2));
    if (extended_text(path) == text) return path;
  }
  return Error{Errc::bad_input, "an extended header of the archive says more than a path"};
}

}  // namespace bmsg
