// A message as it travels: head, nonce, body. Nothing sealed in it can be read without a key.

#pragma once

#include <cstdint>
#include <optional>

#include "lib/core/bytes.h"
#include "lib/core/ids.h"
#include "lib/core/limits.h"

namespace bmsg {

/// How a body is made. Values beyond these are relayed and never read: a new one is no fork.
enum class Suite : std::uint8_t {
  open = 0,              // Public: the body is records, for everybody.
  sealed = 1,            // HPKE with X25519.
  sealed_secp256k1 = 2,  // HPKE with secp256k1, for the Whisper gateway.
  chunk = 3,             // A piece of a file; never in a block.
  charter = 4,           // New rules of an endorse chain.
};

/// Everything a stranger must judge. A message's id is the hash of these bytes.
///
/// Shape:  "bmM1", suite 1, zero 1, key length 2, chain 8, topic 4, time 4, ttl 4, body length 4,
///         key section, body hash 64.
/// Units:  time in Unix seconds, ttl in seconds.
/// Source: bmsg-format(5), "Message".
struct MessageHead {
  Suite suite = Suite::open;
  ChainTag chain;
  Topic topic;
  std::uint32_t time = 0;
  std::uint32_t ttl = 0;
  std::uint32_t body_bytes = 0;
  Bytes key_section;  // Sealed: the encapsulated key, then 48-byte slots. Empty for 0, 3 and 4.
  BodyHash body_hash;

  bool operator==(const MessageHead&) const = default;

  std::uint64_t expiry() const { return std::uint64_t{time} + ttl; }
  std::size_t head_bytes() const { return kHeadBytesFixed + key_section.size(); }
  /// Bytes of head, nonce and body together: the S that limits and stamps count.
  std::size_t encoded_bytes() const { return head_bytes() + kNonceBytes + body_bytes; }
};

struct Message {
  MessageHead head;
  std::uint64_t nonce = 0;    // The stamp. Outside the id, so that a message can be stamped again.
  std::optional<Bytes> body;  // Absent in light blocks and where it was pruned.

  bool operator==(const Message&) const = default;
};

}  // namespace bmsg
