#include "cli/web_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "lib/core/fixed_bytes.h"
#include "lib/core/hex.h"
#include "lib/core/nameless_file.h"
#include "lib/core/try.h"
#include "lib/mail/attachment.h"
#include "lib/mail/text.h"

namespace bmsg::cli {
namespace {

constexpr std::size_t kFilesMax = 32;
constexpr std::size_t kPieceBytes = 1 << 20;
constexpr std::uint64_t kSpaceLeft = 64u << 20;  // For everything else.
constexpr std::chrono::hours kForgottenAfter{1};

Error system_error(std::string_view what) {
  return Error{Errc::io, fmt::format("{}: {}", what, std::strerror(errno))};
}

}  // namespace

WebFiles::WebFiles(Context& context, const StoreDir& store) : context_(context), store_(store) {}

/// The file, and its chunks beside it.
Result<Done> WebFiles::check_space(std::uint64_t size) const {
  BMSG_TRY_ASSIGN(const auto free, context_.disk.free_bytes(store_.root()));
  std::uint64_t claimed = size;
  for (const auto& [ticket, file] : files_) claimed += file.size - file.have;
  if (free / 2 > claimed && free - 2 * claimed > kSpaceLeft) return done;
  return Error{Errc::io, fmt::format("the disk has no room for {} bytes more", size),
               "'bmsg status' says how much is free"};
}

/// Of pages that were closed.
void WebFiles::forget_old() {
  const auto now = context_.clock.steady();
  std::erase_if(files_,
                [&](const auto& one) { return now - one.second.touched > kForgottenAfter; });
}

Result<std::string> WebFiles::begin(const std::string& name, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  return add(name, size);
}

Result<std::string> WebFiles::begin_in(std::uint64_t generation, const std::string& name,
                                       std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  if (generation != generation_)
    return Error{Errc::denied, "the keys were closed meanwhile", "type the passphrase"};
  return add(name, size);
}

/// Under the lock.
Result<std::string> WebFiles::add(const std::string& name, std::uint64_t size) {
  if (name.empty() || !mail::is_utf8(name) || name.size() > mail::kFileNameBytesMax)
    return Error{Errc::bad_input, fmt::format("a file's name has 1 to {} bytes of UTF-8 text",
                                              mail::kFileNameBytesMax)};
  if (size > mail::kFileBytesMax)
    return Error{Errc::bad_input, "the file has more than 1 GiB; that is the limit of one",
                 "send it in parts: 'split -b 1G FILE PART-' makes them"};
  forget_old();
  if (files_.size() >= kFilesMax)
    return Error{Errc::try_again, fmt::format("{} files are on their way already", kFilesMax)};
  BMSG_TRY(check_space(size));
  FixedBytes<16, struct TicketTag> ticket;
  BMSG_TRY(context_.entropy.fill({ticket.data(), ticket.kSize}));
  File file;
  file.name = name;
  file.size = size;
  file.touched = context_.clock.steady();
  BMSG_TRY_ASSIGN(file.opened, nameless_file(store_.run()));
  const std::string word = to_hex(ticket.view());
  files_.emplace(word, std::move(file));
  return word;
}

Result<WebFiles::File*> WebFiles::find(const std::string& ticket) {
  const auto found = files_.find(ticket);
  if (found == files_.end())
    return Error{Errc::not_found, "this file is not on its way any more", "choose it again"};
  found->second.touched = context_.clock.steady();
  return &found->second;
}

Result<std::uint64_t> WebFiles::put(const std::string& ticket, std::uint64_t at, ByteView bytes) {
  const std::lock_guard lock(mutex_);
  BMSG_TRY_ASSIGN(File * file, find(ticket));
  if (at != file->have || bytes.size() > file->size - file->have)
    return Error{Errc::bad_input, fmt::format("bytes {} to {} of {} are asked for", file->have,
                                              file->size, file->size)};
  BMSG_TRY(write_at(file->opened, bytes, at));
  file->have += bytes.size();
  return file->have;
}

void WebFiles::drop(const std::string& ticket) {
  const std::lock_guard lock(mutex_);
  files_.erase(ticket);
}

void WebFiles::clear() {
  const std::lock_guard lock(mutex_);
  files_.clear();
  ++generation_;
}

std::uint64_t WebFiles::generation() {
  const std::lock_guard lock(mutex_);
  return generation_;
}

Result<AttachmentWish> WebFiles::wish(const std::string& ticket) {
  const std::lock_guard lock(mutex_);
  BMSG_TRY_ASSIGN(const File* file, find(ticket));
  if (file->have != file->size)
    return Error{Errc::bad_input,
                 fmt::format("{} of {} bytes of a file are here", file->have, file->size)};
  return AttachmentWish{fmt::format("/proc/self/fd/{}", file->opened.number()), file->name};
}

Result<WebFiles::Piece> WebFiles::piece(const std::string& ticket, std::uint64_t at) {
  const std::lock_guard lock(mutex_);
  BMSG_TRY_ASSIGN(const File* file, find(ticket));
  if (file->have != file->size || at > file->size)
    return Error{Errc::bad_input, "there are no such bytes"};
  Piece piece{file->name, Bytes(std::min<std::uint64_t>(kPieceBytes, file->size - at))};
  std::size_t have = 0;
  while (have < piece.bytes.size()) {
    const ssize_t got = ::pread(file->opened.number(), piece.bytes.data() + have,
                                piece.bytes.size() - have, static_cast<off_t>(at + have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return system_error("cannot read the file");
    have += static_cast<std::size_t>(got);
  }
  return piece;
}

}  // namespace bmsg::cli
