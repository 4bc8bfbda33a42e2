#include "cli/archive.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "lib/core/descriptor.h"
#include "lib/core/hex.h"
#include "lib/core/scarcity.h"
#include "lib/core/try.h"
#include "lib/node/blob_directory.h"

namespace bmsg::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPieceBytes = 65536;
constexpr std::uint64_t kSumsBytesMax = 512u << 20;
constexpr std::uint64_t kFreeBytesKept = 4u << 20;

constexpr std::array<std::string_view, 9> kFiles = {
    "format",        "genesis", "config.toml",       "witness",        "contacts.jsonl",
    "policies.toml", "light",   "signed-checkpoint", "signed-charters"};
constexpr std::array<std::string_view, 7> kFolders = {"chain", "mail",  "keys",  "cards",
                                                      "hooks", "blobs", "outbox"};

bool is_name(std::string_view part) {
  const auto is_plain = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
           c == '_' || c == '-';
  };
  return !part.empty() && part.size() <= 255 && part != "." && part != ".." &&
         std::ranges::all_of(part, is_plain);
}

/// "own/c/c0ff…": chunks of our own, in the folder of their first digit; others' are a cache.
bool is_own_chunk(std::string_view rest) {
  constexpr std::string_view kOwn = "own/";
  if (!rest.starts_with(kOwn) || rest.size() < kOwn.size() + 3) return false;
  rest.remove_prefix(kOwn.size());
  return rest[1] == '/' && rest[0] == rest[2] && node::blob_named(rest.substr(2));
}

std::string sum_line(const Digest& digest, const std::string& path) {
  return fmt::format("{}  {}\n", to_hex(digest.view()), path);
}

Error malformed(const std::string& what) {
  return Error{Errc::bad_input, fmt::format("the backup is damaged: {}", what)};
}

}  // namespace

bool is_store_path(const std::string& path) {
  const auto slash = path.find('/');
  const std::string_view first = std::string_view(path).substr(0, slash);
  if (slash == std::string::npos) return std::ranges::find(kFiles, first) != kFiles.end();
  if (std::ranges::find(kFolders, first) == kFolders.end()) return false;
  std::string_view rest = std::string_view(path).substr(slash + 1);
  if (first == "blobs") return is_own_chunk(rest);
  if (first == "outbox") {  // One folder more: outbox/new/NAME.
    const auto second = rest.find('/');
    if (second == std::string_view::npos || !is_name(rest.substr(0, second))) return false;
    rest.remove_prefix(second + 1);
  }
  return is_name(rest);
}

Result<Done> ArchiveWriter::write(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(descriptor_, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0)
      return Error{Errc::io, fmt::format("cannot write {}: {}", name_, std::strerror(errno))};
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return done;
}

Result<Done> ArchiveWriter::begin() {
  return add(std::string(kArchiveMark), as_bytes(kArchiveMarkText));
}

Result<Done> ArchiveWriter::add(const std::string& path, ByteView bytes, bool executable) {
  BMSG_TRY(write(tar_header({path, bytes.size(), executable}, time_)));
  BMSG_TRY(write(bytes));
  BMSG_TRY(write(Bytes(tar_padding(bytes.size()))));
  sums_ += sum_line(crypto::sha512(bytes), path);
  ++files_;
  bytes_ += bytes.size();
  return done;
}

Result<Done> ArchiveWriter::finish() {
  const std::string sums = std::move(sums_);
  BMSG_TRY(add(std::string(kArchiveSums), as_bytes(sums)));
  return write(Bytes(2 * kTarBlockBytes));
}

Result<Done> ArchiveReader::read(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::read(descriptor_, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return Error{Errc::io, fmt::format("cannot read the backup: {}", std::strerror(errno))};
    if (got == 0) return malformed("it ends too early");
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return done;
}

/// Zeros, as they were written: any other byte would be one that nobody checks.
Result<Done> ArchiveReader::read_padding(std::uint64_t size) {
  Bytes padding(tar_padding(size));
  BMSG_TRY(read(padding));
  if (padding == Bytes(padding.size())) return done;
  return malformed("there is something between its files");
}

Result<std::string> ArchiveReader::read_text(std::uint64_t size, std::uint64_t most) {
  if (size > most) return malformed(fmt::format("a text of {} bytes", size));
  Bytes bytes(size);
  BMSG_TRY(read(bytes));
  BMSG_TRY(read_padding(size));
  return to_string(bytes);
}

Result<TarEntry> ArchiveReader::next() {
  std::optional<std::string> path;
  for (;;) {
    Bytes bytes(kTarBlockBytes);
    BMSG_TRY(read(bytes));
    BMSG_TRY_ASSIGN(auto block, decode_tar_block(bytes));
    if (block.type == TarBlock::Type::end) return malformed("it ends without its sums");
    if (block.type == TarBlock::Type::extended && !path) {
      BMSG_TRY_ASSIGN(const auto text, read_text(block.entry.size, kTarPathBytesMax + 64));
      BMSG_TRY_ASSIGN(path, decode_extended_path(text));
      continue;
    }
    if (block.type != TarBlock::Type::file) return malformed("a header without a file");
    if (path) block.entry.path = *path;
    return std::move(block.entry);
  }
}

Result<Done> ArchiveReader::check_entry(const TarEntry& entry) {
  if (!is_store_path(entry.path))
    return malformed(fmt::format("'{}' belongs to no store", entry.path));
  if (sums_.contains(entry.path)) return malformed(fmt::format("'{}' stands twice", entry.path));
  if (sums_.size() > kArchiveEntriesMax) return malformed("it has too many files");
  BMSG_TRY_ASSIGN(const auto free, disk_.free_bytes(into_));
  if (entry.size + kFreeBytesKept <= free) return done;
  return Error{Errc::io, fmt::format("'{}' has {} bytes, and only {} are free", entry.path,
                                     entry.size, free)};
}

Result<Done> ArchiveReader::unpack_file(const TarEntry& entry) {
  BMSG_TRY(check_entry(entry));
  const fs::path file = into_ / entry.path;
  BMSG_TRY(disk_.make_directory(file.parent_path()));
  const Descriptor made(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                               entry.executable ? 0700 : 0600));
  const auto failed = [&] {
    return Error{code_of(errno, Errc::io),
                 fmt::format("cannot write '{}': {}", file.string(), std::strerror(errno))};
  };
  if (!made) return failed();
  crypto::Sha512 hash;
  Bytes piece(kPieceBytes);
  for (std::uint64_t left = entry.size; left > 0;) {
    const std::span part(piece.data(), std::min<std::uint64_t>(left, piece.size()));
    BMSG_TRY(read(part));
    if (::write(made.number(), part.data(), part.size()) != static_cast<ssize_t>(part.size()))
      return failed();
    hash.update(part);
    left -= part.size();
  }
  BMSG_TRY(read_padding(entry.size));
  if (::fsync(made.number()) != 0) return failed();
  sums_[entry.path] = to_hex(hash.finish().view());
  return done;
}

Result<Done> ArchiveReader::check_sums(const TarEntry& entry) {
  BMSG_TRY_ASSIGN(const auto text, read_text(entry.size, kSumsBytesMax));
  const std::string mark =
      sum_line(crypto::sha512(as_bytes(kArchiveMarkText)), std::string(kArchiveMark));
  if (!text.starts_with(mark)) return malformed("its sums are not its own");
  for (std::size_t at = mark.size(); at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    constexpr std::size_t kHex = 2 * Digest::kSize;
    const std::string path = line.size() > kHex + 2 ? line.substr(kHex + 2) : std::string();
    const auto known = sums_.find(path);
    if (known == sums_.end() || line != known->second + "  " + path)
      return malformed(fmt::format("'{}' is not what was written", path));
    sums_.erase(known);
    at = end + 1;
  }
  if (sums_.empty()) return done;
  return malformed(fmt::format("its sums do not name '{}'", sums_.begin()->first));
}

Result<Done> ArchiveReader::unpack() {
  BMSG_TRY_ASSIGN(const auto first, next());
  if (first.path != kArchiveMark) return Error{Errc::bad_input, "this is no backup of a store"};
  BMSG_TRY_ASSIGN(const auto mark, read_text(first.size, 4096));
  if (mark != kArchiveMarkText) return Error{Errc::bad_config, "a newer bmsg made this backup"};
  for (;;) {
    BMSG_TRY_ASSIGN(const auto entry, next());
    if (entry.path == kArchiveSums) return check_sums(entry);
    BMSG_TRY(unpack_file(entry));
  }
}

}  // namespace bmsg::cli
