// RunningNode: a node in memory that answers peers on a free port and commands on a unix socket.

#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "lib/api/http_transport.h"
#include "lib/api/local_routes.h"
#include "lib/api/peer_routes.h"
#include "lib/net/http_server.h"
#include "lib/node/memory_store.h"
#include "lib/node/public_node.h"
#include "tests/support/chain_builder.h"
#include "tests/support/fake_entropy.h"
#include "tests/support/temp_dir.h"

namespace bmsg::api {

/// Wall time stands still where easy chains end; deadlines run as they do.
class StandingClock final : public Clock {
 public:
  UnixSeconds now() const override { return {kEasyGenesisTime + 9'000 * 600}; }
  std::chrono::steady_clock::time_point steady() const override { return real_.steady(); }

 private:
  SystemClock real_;
};

/// Waits for something that another thread does; the limit only bounds a failure.
template <class Condition>
bool eventually(Condition condition) {
  const SystemClock clock;
  const auto end = clock.steady() + std::chrono::seconds(20);
  while (!condition()) {
    if (clock.steady() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

class RunningNode {
 public:
  explicit RunningNode(const ChainBuilder& builder, node::OutboxSource* outbox = nullptr,
                       node::Keeps keeps = node::Keeps::all)
      : store(builder.rules_text(), keeps), chain(builder.chain()) {
    node = node::Node::make({.store = store,
                             .chain = chain,
                             .clock = clock,
                             .entropy = entropy,
                             .outbox = outbox,
                             .key = {},
                             .agent = "test",
                             .reorg = {},
                             .pool = {}})
               .value();
    const auto later = [this](std::chrono::milliseconds delay, std::function<void()> work) {
      server->run_after(delay, std::move(work));
    };
    public_node = std::make_unique<node::PublicNode>(*node);
    peer_routes = std::make_unique<PeerRoutes>(*public_node, clock, later);
    local_routes = std::make_unique<LocalRoutes>(*node);
    node->on_change([this] { peer_routes->changed(); });
    net::Listener tcp{.address = {net::Scheme::http, "127.0.0.1", 0, {}}};
    net::Listener unix{.address = {net::Scheme::unix_socket, {}, 0, socket().string()}};
    server = net::HttpServer::start(
                 {tcp, unix},
                 [this](net::HttpRequest request, net::Respond respond) {
                   route(std::move(request), std::move(respond));
                 },
                 {}, clock)
                 .value();
  }
  ~RunningNode() {
    node->on_change({});
    peer_routes->stop();
    local_routes->stop();
    server->stop(std::chrono::milliseconds(0));
  }

  std::filesystem::path socket() const { return dir.path() / "node.sock"; }
  std::string url() const { return net::to_string(server->bound_addresses().front()); }
  net::Address address() const { return server->bound_addresses().front(); }
  std::unique_ptr<HttpTransport> transport() const {
    return HttpTransport::open(url(), {}).value();
  }
  node::Tip tip() const { return store.tip().value(); }
  void accept(const std::vector<Block>& blocks) const {
    for (const Block& block : blocks) ASSERT_TRUE(node->submit_block(block));
  }

  TempDir dir;
  StandingClock clock;
  FakeEntropy entropy;
  node::MemoryStore store;
  chain::ChainRules chain;
  std::unique_ptr<node::Node> node;
  std::unique_ptr<node::PublicNode> public_node;  // As those see it who call.
  std::unique_ptr<PeerRoutes> peer_routes;
  std::unique_ptr<LocalRoutes> local_routes;
  std::unique_ptr<net::HttpServer> server;

 private:
  void route(net::HttpRequest request, net::Respond respond) {
    const bool is_local = request.path.starts_with("/local/1/");
    if (is_local) return local_routes->handle(std::move(request), std::move(respond));
    peer_routes->handle(std::move(request), std::move(respond));
  }
};

}  // namespace bmsg::api
