// What is remembered of a message that is mine, sealed under the mailbox key: enough to list it
// without its body, and the key that opens the body.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/core/entropy.h"
#include "lib/core/message.h"
#include "lib/mail/open.h"
#include "lib/mail/records.h"

namespace bmsg::mail {

enum class Direction : std::uint8_t { in, out };
enum class Audience : std::uint8_t { sealed, open };  // open: a public message.

/// Somebody a message went to.
struct Addressee {
  IdentityKey address;
  std::string name;  // Our word for it when it was sent; may be empty.

  bool operator==(const Addressee&) const = default;
};

struct Summary {
  Direction direction = Direction::in;
  Audience audience = Audience::sealed;
  std::optional<Fault> fault;  // It is mine and cannot be read: no fields below but head's.
  SignatureState signature = SignatureState::absent;
  Kind kind = Kind::text;
  Bytes sender;  // As it is claimed: see identity().
  std::uint8_t device = 0;
  std::optional<std::uint64_t> seq;
  std::optional<IdPrefix> prev;
  std::vector<Addressee> to;  // In: which of my identities. Out: as it was sent.
  std::string room;           // Name of the room; empty: none.
  std::string subject;
  // The beginning of the text on one line, up to kSnippetBytesMax; of an approval what it approves.
  std::string snippet;
  std::string media_type;
  std::vector<MessageId> re;
  std::optional<ThreadId> thread;
  std::uint32_t attachments = 0;
  bool ask_ack = false;
  Topic topic;  // These five are the head's.
  std::uint32_t time = 0;
  std::uint32_t ttl = 0;
  std::uint32_t bytes = 0;  // Of the whole message.
  std::uint32_t slots = 0;
  Bytes content_key;  // 32 bytes; empty for a public message. As secret as the mailbox key's texts.

  /// Whose identity signed it. Where the signature is bad that is nobody, whoever `sender` names:
  /// anybody can write that.
  std::optional<IdentityKey> identity() const;
  /// Whether this key signed it.
  bool is_from(ByteView key) const;
  bool operator==(const Summary&) const = default;
};

inline constexpr std::size_t kSnippetBytesMax = 200;

/// What `opened` says of `message`; direction and addressees are the caller's to set.
Summary summary_of(const Message& message, const Opened& opened);

/// Shape: version 1, fields in order, text and lists with their length before them.
Bytes encode(const Summary& summary);
/// Errors: Errc::corrupt; Errc::bad_config for a newer version.
Result<Summary> decode_summary(ByteView bytes);

/// Shape: nonce 12, then AES-256-GCM under the mailbox key with `id` as aad.
Result<Bytes> seal_note(const crypto::SecretBytes& mailbox_key, const MessageId& id, ByteView plain,
                        Entropy& entropy);
/// Errors: Errc::corrupt if it was changed or is of another key or id.
Result<crypto::SecretBytes> open_note(const crypto::SecretBytes& mailbox_key, const MessageId& id,
                                      ByteView sealed);

Result<Bytes> seal_summary(const crypto::SecretBytes& mailbox_key, const MessageId& id,
                           const Summary& summary, Entropy& entropy);
Result<Summary> open_summary(const crypto::SecretBytes& mailbox_key, const MessageId& id,
                             ByteView sealed);

}  // namespace bmsg::mail
