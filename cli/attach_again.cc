#include "cli/attach_again.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/attach.h"
#include "cli/fetch_file.h"
#include "lib/core/try.h"

namespace bmsg::cli {
namespace {

Error not_here(const mail::Manifest& manifest) {
  return Error{
      Errc::not_found,
      fmt::format("{}, a file of that message, is not whole here any more", file_title(manifest)),
      "'bmsg send -a FILE' sends it from a file; 'bmsg read REF --attachments DIR' still "
      "gets it where a peer has it"};
}

/// A file as a stream, from its chunks.
class ChunkStream {
 public:
  ChunkStream(const StoreBlobs& blobs, const StoredFile& file) : blobs_(blobs), file_(file) {}

  /// Up to so many bytes; fewer only at the end.
  Result<std::size_t> read(std::span<std::uint8_t> out) {
    std::size_t have = 0;
    while (have < out.size()) {
      if (at_ == piece_.size() && next_ == file_.chunks.size()) break;
      if (at_ == piece_.size()) BMSG_TRY(load());
      const auto rest = piece_.view().subspan(at_);
      const std::size_t some = std::min(rest.size(), out.size() - have);
      std::ranges::copy(rest.first(some), out.begin() + static_cast<std::ptrdiff_t>(have));
      have += some;
      at_ += some;
    }
    return have;
  }

 private:
  Result<Done> load() {
    BMSG_TRY_ASSIGN(const auto chunk, blobs_.directory().find(file_.chunks[next_]));
    if (!chunk) return not_here(file_.manifest);
    const mail::Manifest& manifest = file_.manifest;
    BMSG_TRY_ASSIGN(piece_, mail::open_chunk(manifest.key, next_, *chunk->body,
                                             mail::piece_bytes(manifest.size, next_)));
    at_ = 0;
    ++next_;
    return done;
  }

  const StoreBlobs& blobs_;
  const StoredFile& file_;
  std::size_t next_ = 0;
  crypto::SecretBytes piece_;
  std::size_t at_ = 0;  // Of the piece.
};

}  // namespace

Result<std::vector<StoredFile>> stored_files(const StoreBlobs& blobs,
                                             const std::vector<Bytes>& records) {
  std::vector<StoredFile> files;
  for (const Bytes& record : records) {
    StoredFile& file = files.emplace_back();
    BMSG_TRY_ASSIGN(file.manifest, mail::decode_manifest(record));
    BMSG_TRY_ASSIGN(const auto index, blobs.directory().find(file.manifest.index));
    if (!index) return not_here(file.manifest);
    BMSG_TRY_ASSIGN(file.chunks, mail::open_index(file.manifest, *index));
    for (const MessageId& id : file.chunks) {
      BMSG_TRY_ASSIGN(const bool is_here, blobs.directory().has(id));
      if (!is_here) return not_here(file.manifest);
    }
  }
  return files;
}

Result<std::vector<Bytes>> attach_again(Context& context, StoreBlobs& blobs,
                                        const std::vector<StoredFile>& files, std::uint32_t ttl,
                                        const crypto::SecretBytes* mailbox_key,
                                        std::stop_token stop) {
  const mail::UploadContext place{.blobs = blobs.directory(),
                                  .entropy = context.entropy,
                                  .now = context.clock.now(),
                                  .ttl = ttl,
                                  .mailbox_key = mailbox_key};
  std::vector<std::uint64_t> sizes;
  for (const StoredFile& file : files) sizes.push_back(file.manifest.size);
  const auto work = Attachments::work_of(sizes, {.chain = blobs.rules(), .time = 0, .ttl = ttl});
  context.out.note("attaching again " + work_text(work));
  std::vector<Bytes> records;
  for (const StoredFile& file : files) {
    ChunkStream stream(blobs, file);
    const SealJob job{
        .name = file.manifest.name,
        .title = file_title(file.manifest),
        .read = [&](std::span<std::uint8_t> out) { return stream.read(out); },
        .known = mail::KnownFile{.hash = file.manifest.hash, .size = file.manifest.size}};
    BMSG_TRY_ASSIGN(const auto manifest, upload_file(context, place, blobs.rules(), job, stop));
    records.push_back(mail::encode(manifest));
  }
  return records;
}

}  // namespace bmsg::cli
