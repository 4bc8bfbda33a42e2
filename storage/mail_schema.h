// Every key and every record of the database of a mailbox.
//
// As in schema.h: one keyspace, the first byte names the kind, integers are big-endian. Here a
// thief of the disk may look, so nothing private is in the clear but that a message is ours, and
// when it was sent.

#pragma once

#include <cstdint>
#include <string_view>

#include "lib/core/bytes.h"
#include "lib/core/result.h"
#include "lib/mail/mail_store.h"

namespace bmsg::storage {

/// The format that this program reads and writes.
inline constexpr std::uint32_t kMailFormat = 1;

inline constexpr std::size_t kFlagBytesMax = 255;

/// Shape: key → value
///        'e' id 64                        → order 8, time 8, sealed
///        'o' time 8, order 8, id 64       → nothing      entries by age
///        'f' id 64                        → flags: (length 1, name) repeated, ascending
///        'g' length 1, name, id 64        → nothing      messages by flag
///        'v' name                         → bytes
///        'M' name                         → "format": 4; "position"; "next": order 8; "count": 8
enum class MailKind : std::uint8_t {
  entry = 'e',
  order = 'o',
  flags = 'f',
  flagged = 'g',
  value = 'v',
  meta = 'M',
};

Bytes key(MailKind kind);  // What all keys of the kind begin with.
Bytes key(MailKind kind, ByteView name);
Bytes key(MailKind kind, std::string_view name);
/// What the keys of all entries of that place begin with.
Bytes order_key(const mail::MailReader::Place& place);
Bytes order_key(const mail::MailEntry& entry);
/// What the keys of all messages with a flag begin with.
Bytes flagged_key(std::string_view flag);
Bytes flagged_key(std::string_view flag, const MessageId& id);

Bytes encode(const mail::MailEntry& entry);  // Without the id.
Bytes encode(const mail::Flags& flags);
Bytes encode(const mail::ScanPosition& position);

// Each takes the whole value. Anything that encode() does not write is Errc::corrupt.
Result<mail::MailEntry> decode_entry(const MessageId& id, ByteView value);
Result<mail::Flags> decode_flags(ByteView value);
Result<mail::ScanPosition> decode_position(ByteView value);

}  // namespace bmsg::storage
