// One file of the outbox: a message as it will travel, and our own note of it.

#pragma once

#include <string>

#include "lib/core/message.h"
#include "lib/core/result.h"

namespace bmsg::mail {

/// Written once, never changed.
///
/// Shape:  "bmO1", version 1 (1), since 8, message length 4, message, note length 4, note,
///         H of all before 64.
/// Source: bmsg-format(5), "Outbox file".
struct OutboxFile {
  UnixSeconds since = {};
  Message message = {};
  Bytes note = {};  // seal_summary(); empty for a message sent without a key.
};

Bytes encode(const OutboxFile& file);
/// Errors: Errc::corrupt, saying where; Errc::bad_config for a newer version.
Result<OutboxFile> decode_outbox_file(ByteView bytes);

/// Names sort by time of queueing: "SINCE.ID", since as 12 digits, the id as hex.
std::string outbox_name(UnixSeconds since, const MessageId& id);
inline constexpr std::size_t kOutboxNameBytes = 12 + 1 + 2 * MessageId::kSize;
struct OutboxName {
  UnixSeconds since;
  MessageId id;
};
std::optional<OutboxName> parse_outbox_name(std::string_view name);

inline constexpr std::size_t kOutboxNoteBytesMax = 1u << 20;
inline constexpr std::size_t kOutboxFileBytesMax =
    kChunkMessageBytesMax + kOutboxNoteBytesMax + 256;

}  // namespace bmsg::mail
