// Where peers that strangers told of may be, who counts as one stranger, and how such peers are
// reached.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "lib/api/http_transport.h"
#include "lib/net/http_message.h"
#include "lib/node/peer.h"
#include "lib/node/peer_table.h"
#include "lib/node/sync_session.h"

namespace bmsg::api {

/// A port that may be called for a stranger's word: below 1024 other services listen, and only
/// 443 is one's that speaks TLS first.
bool is_peer_port(std::uint16_t port);

/// The network of "HOST:PORT" if a stranger's word is enough to call there: a public literal or a
/// name of several labels, and a peer's port. What a name leads to is looked at when it is called.
/// Source: bmsg-protocol(7), "Peer records".
std::optional<std::string> judge_place(std::string_view host_port);

/// The network of who told us something: a peer that we called, or whoever called us.
std::string teller_of(const std::string& url);
std::string teller_of(const net::Peer& caller);

/// The options for this peer: its key, and only public addresses if it was learned.
TransportOptions reach_of(const node::Peer& peer, TransportOptions options);

/// Our own record if this node has an address that others can call.
std::optional<node::PeerRecord> own_record(node::Service& service);

/// Lets a session trade records with a peer that was not asked of late. What cannot be found out
/// here is left out.
void prepare_trade(node::SyncOptions& options, node::Service& service, const node::Peer& peer,
                   UnixSeconds now);

/// Keeps the records that came from the peer at `url`, once the peer itself has been kept: its own
/// record may be among them.
Result<Done> finish_trade(const node::SyncReport& report, node::Service& service,
                          const std::string& url);

}  // namespace bmsg::api
