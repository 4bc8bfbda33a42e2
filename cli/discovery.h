// The hash table, from outside: the secret that members meet by, and bmsg-discover, which looks
// there for whoever has no store yet.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "lib/api/invite.h"
#include "lib/node/peer_record.h"

namespace bmsg::cli {

/// What bmsg-discover reads where no other secret is named.
/// Errors: Errc::not_found if the store has none; Errc::bad_input.
Result<api::DiscoverySecret> read_discovery_secret(const Context& context, const StoreDir& store);
Result<Done> keep_discovery_secret(Context& context, const StoreDir& store,
                                   const api::DiscoverySecret& secret);

/// What is looked for, and where.
struct TableSearch {
  ChainId chain;
  std::optional<api::DiscoverySecret> secret;
  std::vector<std::string> bootstrap;  // "HOST:PORT" of nodes of the table.
};

/// The records that nodes of a chain have left there, their signatures checked; each still has to
/// prove its key. Has bmsg-discover ask.
/// Errors: Errc::unreachable where that program is not on PATH, or has found nobody; Errc::denied
///         where a proxy is set, past which it would ask.
Result<std::vector<node::PeerRecord>> search_table(Context& context, const TableSearch& search);

}  // namespace bmsg::cli
