// Acknowledgements: a signed message of kind 4 that says that its sender has read another.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lib/mail/contact_book.h"
#include "lib/mail/mail_keys.h"
#include "lib/mail/mail_store.h"
#include "lib/mail/send.h"
#include "lib/mail/summary.h"

namespace bmsg::mail {

/// The value of the index that says that `address` has acknowledged `id`, we ourselves included: an
/// HMAC under the mailbox key, so that the index does not tell who writes to whom.
std::string ack_value(const crypto::SecretBytes& mailbox_key, const MessageId& id,
                      ByteView address);

/// When `address` acknowledged the message, as its acknowledgement says; nullopt: not yet.
Result<std::optional<UnixSeconds>> acknowledged(const MailReader& mail,
                                                const crypto::SecretBytes& mailbox_key,
                                                const MessageId& id, const IdentityKey& address);

/// Puts down what a signed acknowledgement says. `summary` is of kind ack.
void note_ack(const Summary& summary, const crypto::SecretBytes& mailbox_key, MailChange& change);

/// Whether reading this message acknowledges it by itself: its sender is a contact that is not
/// blocked, and their policy is `read`, or `asked` and they asked.
bool acknowledges(const Summary& summary, const ContactBook& contacts);

/// Queues the acknowledgements of a message to its sender: one of each of our identities that it
/// was for. Empty if there are some already, of this or another device.
/// Errors: Errc::bad_input if nobody signed the message; else as send_once().
Result<std::vector<Sent>> acknowledge(const MessageId& id, const Summary& summary,
                                      const MailReader& mail, const SendContext& context,
                                      std::stop_token stop);

}  // namespace bmsg::mail
