// Where serve listens, as it is told in words.

#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "lib/chain/rules_text.h"
#include "lib/core/result.h"
#include "lib/crypto/secret_bytes.h"
#include "lib/net/http_server.h"

namespace bmsg::cli {

/// "ADDR:PORT", a url, or "unix:PATH"; https, which still lacks its identity, where anybody can
/// listen in and where not everybody may come in. Errors: Errc::bad_usage, naming --listen.
Result<net::Listener> listen_place(const std::string& text, chain::Access access);

/// Whether a place asks nobody for a key although the chain is for members: plain HTTP on this
/// machine, which was asked for in so many words.
bool lets_all_in(const net::Listener& place, chain::Access access);

/// Who listens.
struct ListenWish {
  const Context& context;
  const StoreDir& store;
  chain::Access access;
  const crypto::SecretBytes& seed;  // Of the node key, which is shown over TLS.
};

/// What a service manager has opened, what is wanted, or the setting's place if there is neither;
/// and the store's own doorbell, which is the last.
Result<std::vector<net::Listener>> listeners(const ListenWish& wish,
                                             std::vector<std::string> wanted,
                                             const Settings& settings);

}  // namespace bmsg::cli
