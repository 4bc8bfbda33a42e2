// What came and was not told to the hook post-receive yet: a queue in the index, changed in one
// batch with what it is about, so that a process which dies between the two leaves it to the next.

#pragma once

#include <vector>

#include "lib/mail/mail_store.h"

namespace bmsg::mail {

/// All that wait, in reading order.
/// Errors: as MailReader.
Result<std::vector<MessageId>> received(const MailReader& mail);

/// Puts what `change` enters as unread to the end.
Result<Done> queue_received(const MailReader& mail, MailChange& change);

/// The change that takes one from the queue; empty if it is not there.
Result<MailChange> without_received(const MailReader& mail, const MessageId& id);

/// The change that forgets them all.
MailChange without_any_received();

}  // namespace bmsg::mail
