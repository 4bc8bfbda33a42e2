#include "lib/mail/outbox_pack.h"

#include <fmt/format.h>

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/core/byte_reader.h"
#include "lib/core/check.h"
#include "lib/crypto/sha512.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kMagic = "bmU1";
constexpr std::uint8_t kVersion = 1;

Error damaged(const char* what) {
  return Error{Errc::corrupt, fmt::format("pack of outbox files is damaged: {}", what)};
}

}  // namespace

std::string PackedFile::name() const { return outbox_name(since, id); }

Result<OutboxPack> OutboxPack::decode(Bytes bytes) {
  OutboxPack pack;
  pack.bytes_ = std::move(bytes);
  ByteReader reader(pack.bytes_);
  if (as_text(reader.take(kMagic.size())) != kMagic) return damaged("it is none");
  const auto version = reader.integer<std::uint8_t>();
  if (version > kVersion) return Error{Errc::bad_config, "pack of outbox files of a newer bmsg"};
  const auto count = reader.integer<std::uint32_t>();
  if (version != kVersion || count == 0 || count > kPackFilesMax) return damaged("its count");
  std::size_t size = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    PackedFile& file = pack.files_.emplace_back();
    file.since.value = reader.integer<std::uint64_t>();
    file.id = reader.fixed<MessageId>();
    file.bytes = reader.integer<std::uint32_t>();
    file.begin = size;
    size += file.bytes;
  }
  const ByteView front = ByteView(pack.bytes_).first(pack.bytes_.size() - reader.size_left());
  const auto hash = reader.fixed<Digest>();
  if (reader.ran_short() || crypto::sha512(front) != hash) return damaged("the hash of its front");
  if (reader.size_left() != size) return damaged("cut short, or something after it");
  for (PackedFile& file : pack.files_) file.begin += front.size() + Digest::kSize;
  return pack;
}

const PackedFile* OutboxPack::find(const MessageId& id) const {
  const auto found = std::ranges::find(files_, id, &PackedFile::id);
  return found == files_.end() ? nullptr : &*found;
}

ByteView OutboxPack::bytes_of(const PackedFile& file) const {
  return ByteView(bytes_).subspan(file.begin, file.bytes);
}

EncodedPack encode_pack(const std::vector<OutboxFile>& files) {
  check(!files.empty() && files.size() <= kPackFilesMax, "a pack of no or too many files");
  Bytes front = to_bytes(kMagic);
  front.push_back(kVersion);
  append_be(front, static_cast<std::uint32_t>(files.size()));
  Bytes all;
  for (const OutboxFile& file : files) {
    const Bytes bytes = encode(file);
    append_be(front, file.since.value);
    append(front, chain::id_of(file.message.head).view());
    append_be(front, static_cast<std::uint32_t>(bytes.size()));
    append(all, bytes);
  }
  const Digest hash = crypto::sha512(front);
  append(front, hash.view());
  append(front, all);
  return {outbox_name(files.front().since, relabel<MessageId>(hash)) + std::string(kPackEnd),
          std::move(front)};
}

bool is_pack_name(std::string_view name) {
  return name.size() > kOutboxNameBytes && parse_outbox_name(name.substr(0, kOutboxNameBytes)) &&
         (name.substr(kOutboxNameBytes) == kPackEnd ||
          name.substr(kOutboxNameBytes) == kUnpackedEnd);
}

}  // namespace bmsg::mail
