#include "storage/mail_schema.h"

#include "lib/core/big_endian.h"
#include "lib/core/byte_reader.h"
#include "lib/core/check.h"
#include "storage/schema.h"

namespace bmsg::storage {

Bytes key(MailKind kind) { return {static_cast<std::uint8_t>(kind)}; }

Bytes key(MailKind kind, ByteView name) {
  Bytes made = key(kind);
  append(made, name);
  return made;
}

Bytes key(MailKind kind, std::string_view name) { return key(kind, as_bytes(name)); }

Bytes order_key(const mail::MailReader::Place& place) {
  Bytes made = key(MailKind::order);
  append_be(made, place.time.value);
  append_be(made, place.order);
  return made;
}

Bytes order_key(const mail::MailEntry& entry) {
  Bytes made = order_key(mail::MailReader::Place{entry.time, entry.order});
  append(made, entry.id.view());
  return made;
}

Bytes flagged_key(std::string_view flag) {
  check(!flag.empty() && flag.size() <= kFlagBytesMax, "a flag without a name or with a long one");
  Bytes made = key(MailKind::flagged);
  append_be(made, static_cast<std::uint8_t>(flag.size()));
  append(made, as_bytes(flag));
  return made;
}

Bytes flagged_key(std::string_view flag, const MessageId& id) {
  Bytes made = flagged_key(flag);
  append(made, id.view());
  return made;
}

Bytes encode(const mail::MailEntry& entry) {
  Bytes value;
  append_be(value, entry.order);
  append_be(value, entry.time.value);
  append(value, entry.sealed);
  return value;
}

Result<mail::MailEntry> decode_entry(const MessageId& id, ByteView value) {
  ByteReader reader(value);
  mail::MailEntry entry;
  entry.id = id;
  entry.order = reader.integer<std::uint64_t>();
  entry.time.value = reader.integer<std::uint64_t>();
  if (reader.ran_short()) return malformed("mail entry");
  entry.sealed = to_bytes(reader.rest());
  return entry;
}

Bytes encode(const mail::Flags& flags) {
  Bytes value;
  for (const std::string& flag : flags) {
    append_be(value, static_cast<std::uint8_t>(flag.size()));
    append(value, as_bytes(flag));
  }
  return value;
}

Result<mail::Flags> decode_flags(ByteView value) {
  ByteReader reader(value);
  mail::Flags flags;
  while (!reader.finished()) {
    const std::string flag = to_string(reader.take(reader.integer<std::uint8_t>()));
    const bool follows = flags.empty() || *flags.rbegin() < flag;
    if (reader.ran_short() || flag.empty() || !follows) return malformed("list of flags");
    flags.insert(flag);
  }
  if (flags.empty()) return malformed("list of flags");
  return flags;
}

Bytes encode(const mail::ScanPosition& position) {
  Bytes value;
  append_be(value, position.height.value);
  append(value, position.hash.view());
  append_be(value, position.pool_arrival);
  append(value, position.keys.view());
  return value;
}

Result<mail::ScanPosition> decode_position(ByteView value) {
  ByteReader reader(value);
  mail::ScanPosition position;
  position.height.value = reader.integer<std::uint32_t>();
  position.hash = reader.fixed<BlockHash>();
  position.pool_arrival = reader.integer<std::uint64_t>();
  position.keys = reader.fixed<Digest>();
  if (!reader.finished()) return malformed("position");
  return position;
}

}  // namespace bmsg::storage
