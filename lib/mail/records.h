// The plaintext of a message: typed records, written and read strictly.
//
// The same records stand in public bodies (as they are) and in sealed ones (padded, encrypted).
// Everything read here was written by a stranger.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "lib/core/bytes.h"
#include "lib/core/ids.h"
#include "lib/core/result.h"

namespace bmsg::mail {

/// What a message is for. The numbers go over the wire.
enum class Kind : std::uint8_t {
  text = 0,
  card = 1,
  revoke = 2,
  room_grant = 3,
  ack = 4,
  proof = 5,
  application = 6,
  profile = 7,
  box = 8,
};

/// "text", "card", "revoke", "grant", "ack", "proof", "app", "profile", "box".
std::string_view name_of(Kind kind);

using IdPrefix = FixedBytes<16, struct IdPrefixTag>;  // First 16 bytes of a message id.
using ThreadId = FixedBytes<16, struct ThreadIdTag>;  // IdPrefix of the message that began it.

inline constexpr std::uint8_t kInboxBitsMax = 32;  // A whole topic.

/// The part of a topic that an owner asks senders to set, so that scanning costs less.
/// Shape: bits 1 (0 to 32), topic 4.
struct InboxPrefix {
  std::uint8_t bits = 0;
  Topic topic;

  /// Whether a head with this topic may be for this inbox. 0 bits: only the zero topic.
  bool matches(const Topic& of_head) const;
  /// Which bits of one byte of a topic the owner sets.
  std::uint8_t mask_of(std::size_t byte) const;
  bool operator==(const InboxPrefix&) const = default;
};

/// An encryption key as a card carries it. Shape: suite 1, then 32 or 65 bytes.
struct OfferedKey {
  std::uint8_t suite = 1;
  Bytes key;

  bool operator==(const OfferedKey&) const = default;
};

/// All that a message says, but for its signature. Empty text or bytes: the record is absent.
/// Source: bmsg-format(5), "Records".
struct Content {
  Kind kind = Kind::text;              // 01
  Bytes sender;                        // 02: 32 bytes Ed25519 or 65 secp256k1; empty: anonymous.
  std::optional<std::uint8_t> device;  // 03
  std::optional<std::uint64_t> seq;    // 04: counts per sender device and conversation.
  std::optional<IdPrefix> prev;        // 05: the sender's message before this one.
  std::vector<MessageId> re;           // 06: what this answers or acknowledges.
  std::string media_type;              // 07: printable ASCII; absent: UTF-8 text.
  std::string subject;                 // 08: UTF-8; in a card the name that its owner claims.
  Bytes content;                       // 09
  std::vector<Bytes> manifests;        // 0a: attachments, opened elsewhere.
  std::optional<OfferedKey> prekey;    // 0b
  std::optional<InboxPrefix> inbox;    // 0c
  Bytes grant;                         // 0d: room secret 32, epoch 4.
  Bytes statement;                     // 0e: 193 bytes, see statement.h.
  std::optional<ThreadId> thread;      // 0f: absent: the message begins a thread.
  bool ask_ack = false;                // 40
  Bytes sent_to;                       // 41: for the sender's other devices, see sent_to.h.

  /// The sender's address; nullopt if anonymous or of the gateway's kind.
  std::optional<IdentityKey> identity() const;
  bool operator==(const Content&) const = default;
};

/// The records without a signature, types ascending, not padded.
/// Errors: Errc::bad_input for a value that no record can hold, naming the field.
Result<Bytes> encode_records(const Content& content);

/// Appends the record 7f.
void append_signature(Bytes& records, const Signature& signature);
inline constexpr std::size_t kSignatureRecordBytes = 67;

/// Why records are refused.
enum class RecordFault : std::uint8_t {
  padding,  // Something after the end that is not zero, or padding in a public body.
  records,  // Order, length or value of a record.
  newer,    // A type or kind below 40 (hex) that this version does not know.
};

struct BadRecords {
  RecordFault fault;
  std::string detail;
};

/// Records as they were read, and the bytes before 7f that the signature covers.
struct ReadRecords {
  Content content;
  std::optional<Signature> signature;
  std::size_t signed_bytes = 0;
};

/// Whether zeros may follow the records: yes in sealed bodies, no in public ones.
enum class Padding { allowed, malformed };

/// Strict: types ascend, only 06 and 0a repeat, 01 is there, 02 and 7f come together and 7f is
/// last, every length and value is one that a writer writes. Unknown types from 40 are skipped.
std::variant<ReadRecords, BadRecords> decode_records(ByteView bytes, Padding padding);

/// To how many bytes records are padded: 256, else Padmé (at most 12 % more).
/// Source: Nikitin et al., "Reducing Metadata Leakage from Encrypted Files" (2019), Padmé.
std::size_t padded_bytes(std::size_t size);

/// What a signature covers: "bmsg1 sig", chain id, H of the head before the body hash, records.
Bytes signed_text(const ChainId& chain, const Digest& head_hash, ByteView records);

}  // namespace bmsg::mail
