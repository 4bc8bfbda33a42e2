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
#include "lib/node/service.h"

namespace bmsg::api {

/// Whether it is our disk or memory that failed, and no peer's fault.
bool is_our_failure(Errc code);

/// A peer as it is to be kept after an exchange that failed: what it did wrong counts, unless it is
/// on this machine.
node::Peer after_error(node::Peer peer, const Error& error, UnixSeconds now);

struct GossipOptions {
  std::chrono::seconds sync_every{300};   // 0: never.
  std::chrono::milliseconds settle{300};  // News are gathered for so long.
  std::chrono::seconds take_outbox_every{5};
  std::chrono::seconds exchange_max{60};  // One peer's turn.
  TransportOptions transport;             // The expected key comes from each peer.
  /// Told after each exchange, on that one's thread: which peer, and what of our pool it has.
  std::function<void(const std::string&, const std::vector<ShortId>&)> after_exchange;
  std::function<void()> after_change;  // Called on the gossip thread: collects cards.
};

/// One thread, and one more for each peer that is being called; each has its own back-off.
/// Threads: changed() and poke() from any.
class Gossip {
 public:
  /// Everything that is passed must outlive it.
  Gossip(node::Service& service, const chain::ChainRules& chain, const Clock& clock, Log& log,
         GossipOptions options);
  /// Stops and joins; a request that runs is cancelled.
  ~Gossip();

  /// The chain or the pool changed: peers are told soon.
  void changed();
  /// The outbox has something new.
  void poke();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bmsg::api
