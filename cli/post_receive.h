// The hook post-receive: called once for each new message, after the index has it.

#pragma once

#include "cli/mailroom.h"

namespace bmsg::cli {

/// Whether what comes is to be put down for the hook.
Result<bool> queues_received(const Context& context, const StoreDir& store);

/// Calls the hook for all that wait in the index as `room` sees it, one after the other, unless
/// another process does so now. Each is taken from the queue when its call has ended, however it
/// ended; a process that dies before leaves it to the next. Whatever goes wrong is a warning.
void tell_received(Context& context, const StoreDir& store, const Mailroom& room);

}  // namespace bmsg::cli
