// Acknowledging from a command: after reading, or after a program of the user's has handled a
// message.

#pragma once

#include "cli/mailroom.h"

namespace bmsg::cli {

enum class AckWish {
  as_policy_says,  // Only to contacts, as `contact set NAME ack=` and the sender want it.
  always,          // The user asked for it.
};

/// Queues the acknowledgement of a message that was read or handled, durably, and tells a running
/// node. One for each message and person: again is no error and queues nothing. Where it is not
/// asked for and cannot be sealed now, nothing is queued either.
/// Errors: Errc::no_recipient and Errc::bad_input with AckWish::always; as Outbox.
Result<Done> acknowledge_message(Context& context, const StoreDir& store, const Mailroom& room,
                                 const mail::MailItem& item, AckWish wish);

}  // namespace bmsg::cli
