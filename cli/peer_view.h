// A peer as it is shown.

#pragma once

#include <string>

#include "lib/node/peer.h"

namespace bmsg::cli {

/// Several lines: what is known of a peer, and what is wrong with it, in words.
/// `ours`: height of our tip.
std::string peer_text(const node::Peer& peer, Height ours, UnixSeconds now);

}  // namespace bmsg::cli
