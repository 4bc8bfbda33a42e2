// An identity of ours as it is shown.

#pragma once

#include <string>

#include "cli/command.h"
#include "cli/keyring_file.h"
#include "lib/api/json_objects.h"

namespace bmsg::cli {

/// Whether a passphrase stands before the keyring.
bool is_encrypted(const OpenKeyring& open);

/// With its card and where that stands.
Result<api::IdentityView> identity_view(Context& context, const StoreDir& store,
                                        const OpenKeyring& open, const mail::Identity& identity,
                                        const ChainId& chain);

/// Several lines.
std::string identity_text(const api::IdentityView& view);

}  // namespace bmsg::cli
