// serve --advertise: the address that a node tells others of.

#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/settings.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/node/peer_record.h"

namespace bmsg::cli {

/// What the option says, else the setting; empty: nothing is told. Errors: Errc::bad_usage for what
/// no other node would call.
Result<std::string> advertised_place(const std::string& given, const Settings& settings);

/// Makes the record of that place, anew each hour; nullopt without one.
std::function<std::optional<node::PeerRecord>(UnixSeconds)> record_maker(
    const std::string& place, const ChainId& chain, const crypto::SecretBytes& seed);

}  // namespace bmsg::cli
