// serve --lan: nodes of the same chain on the same local network find each other.

#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "cli/command.h"
#include "lib/core/log.h"
#include "lib/net/address.h"
#include "lib/net/multicast.h"
#include "lib/node/lan.h"
#include "lib/node/peer_table.h"
#include "lib/node/service.h"

namespace bmsg::cli {

struct LanWish {
  ChainId chain;
  NodeKey key;
  std::vector<net::Address> places;  // Where we listen.
  std::function<void()> found;       // There are new peers; on the thread of ServeLan.
  node::JudgeKey admits;             // Of others we hear nothing; without: of nobody.
};

/// Shouts and listens while it lives.
/// Threads: made and ended by one; works on its own.
class ServeLan {
 public:
  /// The group of all nodes, for one that listens at these places. Errors: Errc::bad_config if no
  /// neighbour could reach any of them; as net::Multicast::open().
  static Result<std::unique_ptr<net::Multicast>> open_group(
      const std::vector<net::Address>& places);

  /// All that is passed must outlive it.
  ServeLan(const Context& context, StoreDir store, node::Service& service, Log& log, LanWish wish,
           std::unique_ptr<net::Multicast> group);
  ~ServeLan();

 private:
  void work(const std::stop_token& stop);
  void shout();
  void hear(const net::Datagram& datagram);
  Result<bool> take(const node::Peer& heard);
  void drop_silent();

  Context context_;  // Its own: a context is for one thread.
  StoreDir store_;
  node::Service& service_;
  Log& log_;
  const LanWish wish_;
  node::LanPeers peers_;
  std::unique_ptr<net::Multicast> group_;
  bool has_found_ = false;
  std::jthread thread_;  // The last: it uses all of the above.
};

}  // namespace bmsg::cli
