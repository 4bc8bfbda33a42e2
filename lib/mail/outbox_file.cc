#include "lib/mail/outbox_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "lib/core/codec.h"
#include "lib/core/hex.h"
#include "lib/core/try.h"
#include "lib/crypto/sha512.h"

namespace bmsg::mail {
namespace {

constexpr std::string_view kMagic = "bmO1";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kSinceDigits = 12;

Error damaged(const char* what) {
  return Error{Errc::corrupt, fmt::format("outbox file is damaged: {}", what)};
}

}  // namespace

Bytes encode(const OutboxFile& file) {
  Bytes bytes = to_bytes(kMagic);
  bytes.push_back(kVersion);
  append_be(bytes, file.since.value);
  const Bytes message = encode(file.message);
  append_be(bytes, static_cast<std::uint32_t>(message.size()));
  append(bytes, message);
  append_be(bytes, static_cast<std::uint32_t>(file.note.size()));
  append(bytes, file.note);
  append(bytes, crypto::sha512(bytes).view());
  return bytes;
}

Result<OutboxFile> decode_outbox_file(ByteView bytes) {
  if (bytes.size() > kOutboxFileBytesMax) return damaged("longer than any");
  ByteReader reader(bytes);
  if (as_text(reader.take(kMagic.size())) != kMagic) return damaged("it is none");
  const auto version = reader.integer<std::uint8_t>();
  if (version > kVersion) return Error{Errc::bad_config, "outbox file of a newer bmsg"};
  OutboxFile file;
  file.since.value = reader.integer<std::uint64_t>();
  const ByteView message = reader.take(reader.integer<std::uint32_t>());
  file.note = to_bytes(reader.take(reader.integer<std::uint32_t>()));
  const ByteView hashed = bytes.first(bytes.size() - reader.size_left());
  const auto hash = reader.fixed<Digest>();
  if (version != kVersion || !reader.finished()) return damaged("cut short, or something after it");
  if (crypto::sha512(hashed) != hash) return damaged("its hash differs");
  auto decoded = decode_message(message);
  if (!decoded) return damaged(decoded.error().message.c_str());
  file.message = std::move(decoded).value();
  return file;
}

std::string outbox_name(UnixSeconds since, const MessageId& id) {
  return fmt::format("{:012}.{}", since.value, to_hex(id.view()));
}

std::optional<OutboxName> parse_outbox_name(std::string_view name) {
  if (name.size() != kOutboxNameBytes || name[kSinceDigits] != '.') return std::nullopt;
  OutboxName parsed;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + kSinceDigits, parsed.since.value);
  if (error != std::errc() || end != name.data() + kSinceDigits) return std::nullopt;
  const auto id = fixed_from_hex<MessageId>(name.substr(kSinceDigits + 1));
  if (!id) return std::nullopt;
  parsed.id = *id;
  return parsed;
}

}  // namespace bmsg::mail
