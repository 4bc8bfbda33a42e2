// Sending: number, seal, stamp and queue, in this order. Takes no lock of the store.

#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "lib/core/clock.h"
#include "lib/mail/addressing.h"
#include "lib/mail/conversation.h"
#include "lib/mail/keyring.h"
#include "lib/mail/outbox.h"
#include "lib/mail/stamp.h"

namespace bmsg::mail {

/// A room that is posted to.
struct RoomPost {
  Bytes id;
  std::string name;  // Our word for it.
  IdentityKey keeper;
  Bytes key;  // The public half.
};

/// What is to be sent. Sender, device, seq and prev of `content` are filled in.
struct Letter {
  Content content;
  Audience audience = Audience::sealed;
  std::vector<Addressee> to;       // Empty for a public one.
  std::optional<RoomPost> room{};  // Then nobody else, and sealed.
  Topic topic;                     // Of a public one.
  std::uint32_t ttl = 30 * 86400;  // Seconds; the caller keeps it within the chain's maxttl.
  Stale stale = Stale::refused;
};

/// What sending needs. References outlive the call.
struct SendContext {
  const chain::ChainRules& chain;
  const CardDirectory& cards;
  Outbox& outbox;
  const Clock& clock;
  Entropy& entropy;
  const Keyring* keyring = nullptr;            // Without: anonymous, and no readable copy is kept.
  const Identity* identity = nullptr;          // Of that keyring.
  unsigned threads = 1;                        // For the stamp.
  std::chrono::milliseconds patience{10'000};  // For another send of the same conversation.
  OpenConversations* conversations = nullptr;  // Of prepare(): the caller keeps them.
  const crypto::Signer* signer = nullptr;      // Of that identity, prepared; null: made each time.
};

/// A message that is queued.
struct Sent {
  MessageId id;
  std::vector<Addressee> to;
  std::uint32_t bytes = 0;
  std::uint64_t stamp_ms = 0;
};

/// A message that is sealed and stamped and not yet queued.
struct Prepared {
  OutboxFile file;
  Sent sent;
};

/// All of send() but the queueing. Numbers of the conversation are taken for good.
Result<std::vector<Prepared>> prepare(const Letter& letter, const SendContext& context,
                                      std::stop_token stop);

/// Queues the letter as one message, or several where recipients are many or their inboxes differ.
/// All or nothing: after an error nothing is queued.
/// Errors: Errc::no_recipient naming who has no usable card, or two of one number;
///         Errc::bad_input if it does not fit; Errc::try_again if stopped; as Outbox.
Result<std::vector<Sent>> send(const Letter& letter, const SendContext& context,
                               std::stop_token stop);

/// A public message that was made elsewhere: stamped and queued, without a note of ours.
Result<Sent> send_public(Sealed sealed, const SendContext& context, std::stop_token stop);

/// Makes the card of a key, keeps it in `cards` and queues it. The keyring that holds the key must
/// be on disk before: a card whose key is lost draws mail that nobody can open.
Result<Sent> send_card(const Identity& identity, const CardKey& key, CardDirectory& cards,
                       const SendContext& context, std::stop_token stop);

}  // namespace bmsg::mail
