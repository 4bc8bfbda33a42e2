// The last listing at a terminal, so that a person can say ":3" for a message.

#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "lib/core/ids.h"

namespace bmsg::cli {

/// Keeps what was just listed, in the order shown; only where the output is a terminal.
Result<Done> keep_listing(Context& context, const StoreDir& store,
                          const std::vector<MessageId>& ids);

/// ":N" becomes the full id of the N-th message of the last listing; any other reference stays as
/// it is. Errors: Errc::bad_usage away from a terminal, where listings are other people's;
///                Errc::not_found if the listing was shorter.
Result<std::string> listed_ref(const Context& context, const StoreDir& store,
                               const std::string& ref);

}  // namespace bmsg::cli
