// Gossip: what a serving node does by itself: asks its peers now and then, and tells them news
// soon.

#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "lib/api/http_transport.h"
#include "lib/chain/rules_text.h"
#include "lib/core/clock.h"
#include "lib/core/log.h"
#include "lib/node/node.h"
#include "lib/node/sync_session.h"

namespace bmsg::api {

/// Whether it is our disk or memory that failed, and no peer's fault.
bool is_our_failure(Errc code);

/// A peer as it is to be kept after an exchange that failed: what it did wrong counts, unless it is
/// on this machine.
node::Peer after_error(node::Peer peer, const Error& error, UnixSeconds now,
                       const node::SyncReport& so_far = {});

/// The same after one that was whole. Bodies that the peer's blocks name and that it did not give
/// count.
node::Peer after_exchange(node::Peer peer, const node::SyncReport& done, UnixSeconds now);

struct GossipOptions {
  std::chrono::seconds sync_every{300};   // 0: never but for news.
  std::chrono::milliseconds settle{300};  // News are gathered for so long.
  std::chrono::seconds take_outbox_every{5};
  std::chrono::seconds exchange_max{60};  // One peer's turn.
  TransportOptions transport;             // The expected key comes from each peer.
  /// Told after each exchange, on that one's thread: which peer, and what of our pool it has.
  std::function<void(const std::string&, const std::vector<ShortId>&)> after_exchange;
  std::function<void()> after_change;  // Called on the gossip thread: collects cards.
  bool watch = true;                   // Wait at peers for what is new there.
};

/// Whether a peer can be given something: not a mirror, and not to be left alone for now.
bool can_be_given(const node::Peer& peer, UnixSeconds now);
/// Tells the node whom it can give its own messages to, as its peers stand now.
Result<Done> choose_confidant(node::Node& node, const Clock& clock);

/// One thread, one more for each peer that is being called, and one for each that is waited at;
/// each has its own back-off. What is new and ours goes to one peer first (node/embargo.h).
/// Threads: changed(), kept_back() and poke() from any.
class Gossip {
 public:
  /// Everything that is passed must outlive it.
  Gossip(node::Node& node, const chain::ChainRules& chain, const Clock& clock, Log& log,
         GossipOptions options);
  /// Stops and joins; a request that runs is cancelled.
  ~Gossip();

  /// The chain or the pool changed: peers are told soon.
  void changed();
  /// Something of ours came that only one peer may see for now: it is told soon.
  void kept_back();
  /// The outbox has something new.
  void poke();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bmsg::api
