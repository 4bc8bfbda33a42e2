// Where serve listens, as it is told in words.

#pragma once

#include <string>

#include "lib/chain/rules_text.h"
#include "lib/core/result.h"
#include "lib/net/http_server.h"

namespace bmsg::cli {

/// "ADDR:PORT", a url, or "unix:PATH"; https, which still lacks its identity, where anybody can
/// listen in and where not everybody may come in. Errors: Errc::bad_usage, naming --listen.
Result<net::Listener> listen_place(const std::string& text, chain::Access access);

/// Whether a place asks nobody for a key although the chain is for members: plain HTTP on this
/// machine, which was asked for in so many words.
bool lets_all_in(const net::Listener& place, chain::Access access);

}  // namespace bmsg::cli
