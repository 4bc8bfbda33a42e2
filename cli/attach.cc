#include "cli/attach.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "cli/keyring_file.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "cli/times.h"
#include "lib/core/scarcity.h"
#include "lib/core/try.h"
#include "lib/crypto/search.h"
#include "lib/crypto/sha512.h"

namespace bmsg::cli {
namespace {

/// Up to so many bytes; fewer only at the end.
Result<std::size_t> read_whole(int descriptor, std::span<std::uint8_t> out,
                               const std::string& name) {
  std::size_t have = 0;
  while (have < out.size()) {
    const ssize_t got = ::read(descriptor, out.data() + have, out.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      return Error{Errc::io, fmt::format("cannot read {}: {}", name, std::strerror(errno))};
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  return have;
}

std::string title_of(const AttachmentWish& wish) {
  return wish.path == "-" ? "standard input" : fmt::format("'{}'", shown_line(wish.path));
}

Error too_big(const std::string& title) {
  return Error{Errc::bad_input, title + " has more than 1 GiB; that is the limit of one attachment",
               "send it in parts: 'split -b 1G FILE PART-' makes them"};
}

/// Hashes a second of one thread.
double hash_rate(const Clock& clock) {
  constexpr std::uint64_t kHashes = 1u << 17;
  const Bytes prefix(MessageId::kSize);
  const crypto::Search search(prefix, 0);
  const auto began = clock.steady();
  (void)search.find(0, kHashes);  // Only for the time that it takes.
  const double seconds = std::chrono::duration<double>(clock.steady() - began).count();
  return static_cast<double>(kHashes) / std::max(seconds, 1e-6);
}

}  // namespace

Result<std::vector<AttachmentWish>> attachment_wishes(const std::vector<std::string>& paths,
                                                      const std::string& name) {
  std::vector<AttachmentWish> wishes;
  for (const std::string& path : paths) {
    const std::string last = std::filesystem::path(path).filename().string();
    wishes.push_back({path, path == "-" ? "attachment" : last});
  }
  const auto pipes = std::ranges::count(paths, "-");
  if (pipes > 1) return Error{Errc::bad_usage, "-a - takes all of standard input; give it once"};
  if (name.empty()) return wishes;
  if (wishes.empty()) return Error{Errc::bad_usage, "--attach-name is for -a"};
  if (pipes == 0 && wishes.size() != 1)
    return Error{Errc::bad_usage, "--attach-name names one file: the only one, or that of -a -"};
  const auto named =
      pipes == 0 ? wishes.begin() : std::ranges::find(wishes, "-", &AttachmentWish::path);
  named->name = name;
  return wishes;
}

Result<Attachments> Attachments::open(Context& context, const std::vector<AttachmentWish>& wishes) {
  Attachments all;
  for (const AttachmentWish& wish : wishes) {
    File& file = all.files_.emplace_back();
    file.wish = wish;
    if (!is_utf8(wish.name) || wish.name.size() > mail::kFileNameBytesMax)
      return Error{Errc::bad_usage, title_of(wish) + ": its name is too long, or no UTF-8 text",
                   "--attach-name gives it another"};
    if (wish.path == "-") {
      if (::isatty(STDIN_FILENO) == 1 && context.options.no_input)
        return Error{Errc::bad_usage, "-a - takes standard input, and that is a terminal"};
      file.is_pipe = true;
      continue;
    }
    file.opened = Descriptor(::open(wish.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    struct stat about {};
    if (!file.opened || ::fstat(file.opened.number(), &about) != 0) {
      const Errc code = errno == EACCES ? Errc::denied : code_of(errno, Errc::not_found);
      return Error{code, fmt::format("cannot open {}: {}", title_of(wish), std::strerror(errno))};
    }
    if (S_ISDIR(about.st_mode))
      return Error{Errc::not_found, title_of(wish) + " is a directory, not a file",
                   "'tar -c DIR | bmsg send -a - --attach-name DIR.tar' sends one"};
    file.is_pipe = !S_ISREG(about.st_mode);
    if (!file.is_pipe) file.size = static_cast<std::uint64_t>(about.st_size);
    if (file.size > mail::kFileBytesMax) return too_big(title_of(wish));
  }
  return all;
}

bool Attachments::has_pipe() const { return std::ranges::any_of(files_, &File::is_pipe); }

std::vector<Bytes> Attachments::outlines() const {
  std::vector<Bytes> records;
  for (const File& file : files_) {
    records.push_back(mail::encode(mail::Manifest{.size = file.size,
                                                  .key = crypto::SecretBytes(mail::kFileKeyBytes),
                                                  .hash = file.hash,
                                                  .index = {},
                                                  .name = file.wish.name}));
  }
  return records;
}

Attachments::Work Attachments::work(const mail::ChunkHead& head) const {
  std::vector<std::uint64_t> sizes;
  for (const File& file : files_) {
    if (!file.is_pipe) sizes.push_back(file.size);
  }
  return work_of(sizes, head);
}

Attachments::Work Attachments::work_of(const std::vector<std::uint64_t>& sizes,
                                       const mail::ChunkHead& head) {
  Work work;
  for (const std::uint64_t size : sizes) {
    work.bytes += size;
    work.chunks += mail::chunks_of(size) + 1;  // And the index.
    work.hashes += mail::stamps_needed(head, size);
  }
  if (work.hashes > 0)
    work.seconds = static_cast<double>(work.hashes) / (hash_rate(SystemClock()) * threads_for(0));
  return work;
}

std::string work_text(const Attachments::Work& work) {
  const std::string time = work.hashes == 0 ? "no stamp is needed"
                                            : fmt::format("{:.1f} million hashes, about {} here",
                                                          static_cast<double>(work.hashes) / 1e6,
                                                          to_span(std::max(1.0, work.seconds)));
  return fmt::format("{} bytes in {} chunks, {}", work.bytes, work.chunks, time);
}

Result<Done> Attachments::hash() {
  if (std::ranges::all_of(files_, &File::is_pipe)) return done;
  Bytes piece(mail::kChunkBytes);
  for (File& file : files_) {
    if (file.is_pipe) continue;
    crypto::Sha512 hash;
    file.size = 0;
    for (std::size_t got = piece.size(); got == piece.size();) {
      BMSG_TRY_ASSIGN(got, read_whole(file.opened.number(), piece, title_of(file.wish)));
      hash.update(ByteView(piece).first(got));
      file.size += got;
      if (file.size > mail::kFileBytesMax) return too_big(title_of(file.wish));
    }
    file.hash = hash.finish();
    if (::lseek(file.opened.number(), 0, SEEK_SET) != 0)
      return Error{Errc::io, fmt::format("cannot read {} twice", title_of(file.wish))};
  }
  return done;
}

Result<mail::Manifest> upload_file(Context& context, const mail::UploadContext& place,
                                   const chain::ChainRules& rules, const SealJob& job,
                                   std::stop_token stop) {
  auto upload = job.known ? mail::Upload::resume(place, *job.known) : mail::Upload::begin(place);
  if (!upload) return upload.error();
  if (upload.value().found() > 0)
    context.out.note(
        fmt::format("{}: {} chunks are done already", job.title, upload.value().found()));
  Progress shown(context);
  const std::uint64_t total = job.known ? mail::chunks_of(job.known->size) : 0;
  const auto told = [&](std::uint64_t number) {
    const std::string of = job.known ? fmt::format(" of {}", total) : "";
    shown.update(fmt::format("{}: {}{} chunks", job.title, number, of),
                 {.phase = "attach",
                  .finished = number,
                  .total = job.known ? total : number,
                  .rate = 0,
                  .expected = std::nullopt,
                  .p95 = std::nullopt});
  };
  auto manifest =
      mail::seal_file(upload.value().key(), job.name, job.read, upload.value(),
                      {.head = {.chain = rules, .time = upload.value().time(), .ttl = place.ttl},
                       .threads = threads_for(0),
                       .told = told},
                      std::move(stop));
  if (manifest && job.known && manifest.value().hash != job.known->hash) {
    // Its key has sealed two contents now, of which nobody has seen either.
    BMSG_TRY(upload.value().abandon());
    return Error{Errc::try_again, job.title + " was changed while it was read"};
  }
  if (!manifest && !job.known) (void)upload.value().abandon();  // Else swept some time later.
  if (!manifest) return manifest;
  BMSG_TRY(upload.value().finish());
  return manifest;
}

Result<mail::Manifest> Attachments::upload_one(Context& context, const mail::UploadContext& place,
                                               const chain::ChainRules& rules, File& file,
                                               std::stop_token stop) {
  SealJob job{.name = file.wish.name, .title = title_of(file.wish), .read = {}, .known = {}};
  const int descriptor = file.opened ? file.opened.number() : STDIN_FILENO;
  job.read = [&](std::span<std::uint8_t> out) { return read_whole(descriptor, out, job.title); };
  if (!file.is_pipe) job.known = mail::KnownFile{.hash = file.hash, .size = file.size};
  BMSG_TRY_ASSIGN(auto manifest, upload_file(context, place, rules, job, std::move(stop)));
  file.size = manifest.size;
  file.hash = manifest.hash;
  return manifest;
}

Result<std::vector<Bytes>> Attachments::upload(Context& context, StoreBlobs& blobs,
                                               std::uint32_t ttl,
                                               const crypto::SecretBytes* mailbox_key,
                                               std::stop_token stop) {
  const mail::UploadContext place{.blobs = blobs.directory(),
                                  .entropy = context.entropy,
                                  .now = context.clock.now(),
                                  .ttl = ttl,
                                  .mailbox_key = mailbox_key};
  const Work before = work({.chain = blobs.rules(), .time = 0, .ttl = ttl});
  if (before.chunks > 0) context.out.note("attaching " + work_text(before));
  std::vector<Bytes> records;
  for (File& file : files_) {
    BMSG_TRY_ASSIGN(const auto manifest, upload_one(context, place, blobs.rules(), file, stop));
    records.push_back(mail::encode(manifest));
  }
  return records;
}

}  // namespace bmsg::cli
