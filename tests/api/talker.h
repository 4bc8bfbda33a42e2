// Talker: a running node with gossip of its own.

#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "lib/api/gossip.h"
#include "tests/api/running_node.h"

namespace bmsg::api {

/// A running node that talks by itself.
struct Talker {
  explicit Talker(const ChainBuilder& builder, node::Keeps keeps = node::Keeps::all)
      : node(builder, nullptr, keeps) {}
  ~Talker() { silence(); }

  void talk(std::chrono::seconds sync_every = std::chrono::hours(1)) {
    GossipOptions options;
    options.sync_every = sync_every;  // Once, when it begins; what comes after is told as news.
    options.settle = std::chrono::milliseconds(10);
    options.after_change = [this] { ++changes; };
    gossip = std::make_unique<Gossip>(*node.node, node.chain, node.clock, log, options);
    node.node->on_change([this, to = gossip.get()] {
      node.peer_routes->changed();
      to->changed();
    });
    node.node->on_kept_back([to = gossip.get()] { to->kept_back(); });
  }
  void silence() {
    node.node->on_change({});
    node.node->on_kept_back({});
    node.peer_routes->stop();  // Else it could still be telling of a change.
    gossip.reset();
  }
  void know(const std::string& url) {
    node::Peer peer;
    peer.url = url;
    ASSERT_TRUE(node.node->put_peer(peer));
  }
  node::Peer only_peer() const { return node.node->peers().value().at(0); }

  RunningNode node;
  NullLog log;
  std::atomic<int> changes = 0;
  std::unique_ptr<Gossip> gossip;
};

}  // namespace bmsg::api
