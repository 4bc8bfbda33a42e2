// Meeting peers from a command: one exchange each, and what we remember of it.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/short_service.h"
#include "lib/api/http_transport.h"
#include "lib/api/json_objects.h"
#include "lib/node/peer.h"
#include "lib/node/sync_session.h"

namespace bmsg::cli {

/// How to reach peers from this store: proxy, own identity, deadline of one request.
Result<api::TransportOptions> transport_options(Context& context, const StoreDir& store);
/// The same by these settings. Errors: Errc::bad_config.
Result<api::TransportOptions> transport_options(const Settings& settings);

/// What one exchange came to.
struct Exchange {
  node::Peer peer;  // As it is to be remembered.
  Result<node::SyncReport> report;
  api::SyncView view;
};

/// Syncs with one peer. The node is opened for each part of it that needs one, so that no lock is
/// held while the network is slow.
Exchange exchange_with(Context& context, const StoreDir& store, const node::Peer& peer,
                       const node::SyncOptions& options, Progress& shown);

/// The same beside others that run at once, all through one node.
/// Threads: any, each with its own `shown`.
Exchange exchange_through(ShortService& local, Context& context, const StoreDir& store,
                          node::Peer peer, const node::SyncOptions& options, Progress& shown);

/// Asks a peer who it is: fills in key, height and latency.
/// Errors: as node::Transport; Errc::bad_config for another chain.
Result<node::Peer> probe(Context& context, const StoreDir& store, node::Peer peer);

/// Pins the key that was seen at the first meeting, and tells.
void pin(const Context& context, node::Peer& peer, const std::optional<NodeKey>& seen);

/// The peers that are called now: all that people gave, and some of the learned ones (outbound.h).
Result<std::vector<node::Peer>> peers_to_call(Context& context, const StoreDir& store);

/// Keeps what an exchange came to: the peer, and what it told of others.
Result<Done> keep(node::Service& local, const Exchange& exchange);

/// Remembers a peer in the store, or what an exchange with it came to.
Result<Done> remember(Context& context, const StoreDir& store, const node::Peer& peer);
Result<Done> remember(Context& context, const StoreDir& store, const Exchange& exchange);

}  // namespace bmsg::cli
