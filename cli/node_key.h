// Node keys: who a store is to other nodes. Read, made, and shown over TLS.

#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "cli/command.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/net/tls.h"

namespace bmsg::cli {

/// What lies in a file of 64 hexadecimal digits. Errors: Errc::corrupt, if it is missing too.
Result<crypto::SecretBytes> read_node_seed_file(const Disk& disk,
                                                const std::filesystem::path& file);

/// The key that a store is going to have: what `file` holds, which is made if it is not there;
/// any, if `file` is empty. Errors: Errc::corrupt, Errc::io, Errc::denied.
Result<crypto::SecretBytes> node_seed_for_new(Context& context, const std::string& file);

/// What a file of such a key holds: its digits, and the end of the line.
crypto::SecretBytes node_key_text(const crypto::SecretBytes& seed);

/// What a node with this key shows over TLS.
Result<std::shared_ptr<net::TlsIdentity>> tls_identity_of(const crypto::SecretBytes& node_seed);

}  // namespace bmsg::cli
