// Sending once: a repeat under the same key finds the first send, also after a crash.

#pragma once

#include "lib/mail/send.h"
#include "lib/mail/send_key.h"

namespace bmsg::mail {

/// What a letter says and to whom, under the mailbox key if there is one: equal for a repeat.
/// Errors: Errc::bad_input for content that no record can hold.
Result<Digest> letter_digest(const Letter& letter, const SendContext& context);

/// Messages that stand in the outbox now, or the letter that is held.
struct SentOnce {
  std::vector<Sent> sent;
  std::optional<MessageId> held;
};

/// As send(), or what the first send under this key queued. All or nothing, also where a letter
/// needs several messages and the process dies between them.
/// Errors: as send(); Errc::bad_input if the key stands for another letter; Errc::locked.
Result<SentOnce> send_once(const Letter& letter, const SendKey& key, const SendContext& context,
                           std::stop_token stop);

/// The same for whoever holds the lock of the key.
Result<SentOnce> send_locked(const Letter& letter, const SendKey& key, const SendContext& context,
                             std::stop_token stop);

/// The same for a letter that has to wait for a card. `context` has a keyring and an identity.
Result<SentOnce> hold_once(const Letter& letter, const SendKey& key, const SendContext& context);

}  // namespace bmsg::mail
