// Nodes that know each other agree by themselves, and one that does not answer hinders nobody.

#include "lib/api/gossip.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "tests/api/talker.h"

namespace bmsg::api {
namespace {

using namespace std::chrono_literals;

/// Listens at so many places and never answers.
struct Mute {
  explicit Mute(std::size_t places) {
    const net::Listener anywhere{.address = {net::Scheme::http, "127.0.0.1", 0, {}}};
    const auto wait = [this](const net::HttpRequest&, const net::Respond& respond) {
      kept.push_back(respond);
      ++asked;
    };
    server = net::HttpServer::start(std::vector(places, anywhere), wait, {}, clock).value();
  }
  ~Mute() { server->stop(0ms); }

  std::vector<std::string> urls() const {
    std::vector<std::string> all;
    for (const net::Address& address : server->bound_addresses())
      all.push_back(net::to_string(address));
    return all;
  }

  SystemClock clock;
  std::atomic<int> asked = 0;
  std::vector<net::Respond> kept;  // Never called: the callers wait.
  std::unique_ptr<net::HttpServer> server;
};

/// Stands before a node and lets no put through until it is opened.
struct Gate {
  explicit Gate(RunningNode& node) : to(node) {
    const auto pass = [this](net::HttpRequest request, net::Respond respond) {
      if (is_open || request.path != "/bmsg/1/put")
        return to.peer_routes->handle(std::move(request), std::move(respond));
      held.emplace_back(std::move(request), std::move(respond));
      ++waiting;
    };
    server = net::HttpServer::start({{.address = {net::Scheme::http, "127.0.0.1", 0, {}}}}, pass,
                                    {}, clock)
                 .value();
  }
  ~Gate() { server->stop(0ms); }

  std::string url() const { return net::to_string(server->bound_addresses().front()); }
  void open() {
    server->post([this] {
      is_open = true;
      for (auto& [request, respond] : held) to.peer_routes->handle(request, respond);
    });
  }

  RunningNode& to;
  SystemClock clock;
  bool is_open = false;  // This and what is held: the server's thread.
  std::vector<std::pair<net::HttpRequest, net::Respond>> held;
  std::atomic<int> waiting = 0;
  std::unique_ptr<net::HttpServer> server;
};

TEST(Gossip, FetchesWhatPeersHave) {
  ChainBuilder builder;
  RunningNode far(builder);
  far.accept(builder.blocks(builder.genesis(), 30));
  Talker near(builder);
  near.know(far.url());
  near.talk();
  EXPECT_TRUE(eventually([&] { return near.node.tip() == far.tip(); }));
  EXPECT_TRUE(eventually([&] { return near.only_peer().height == Height{30}; }));
  EXPECT_TRUE(eventually([&] { return near.changes > 0; }));
  EXPECT_EQ(near.only_peer().failures, 0);
}

TEST(Gossip, PassesNewsOn) {
  ChainBuilder builder;
  RunningNode last(builder);
  Talker middle(builder);
  middle.know(last.url());
  middle.talk();
  Talker first(builder);
  first.know(middle.node.url());
  first.talk();
  const Message message = builder.public_message("news", first.node.clock.now());
  ASSERT_TRUE(first.node.node->submit_messages({message}, node::Origin::own));
  EXPECT_TRUE(eventually([&] { return last.node->info().value().pool_messages == 1; }));
  first.node.accept({builder.block(builder.genesis(), {message}, first.node.clock.now())});
  EXPECT_TRUE(eventually([&] { return last.tip() == first.node.tip(); }));
}

TEST(Gossip, GivesWhatIsOursToOnePeerUntilItComesBack) {
  ChainBuilder builder;
  RunningNode one(builder);
  RunningNode two(builder);
  Talker near(builder);
  near.know(one.url());
  near.know(two.url());
  near.talk();
  ASSERT_TRUE(eventually([&] {
    const auto peers = near.node.node->peers().value();
    return std::ranges::all_of(peers, [](const auto& peer) { return peer.last_seen.value > 0; });
  }));
  const Message message = builder.public_message("ours", near.node.clock.now());
  ASSERT_TRUE(near.node.node->submit_messages({message}, node::Origin::own));
  const auto has = [](const RunningNode& node) {
    return node.node->info().value().pool_messages == 1;
  };
  ASSERT_TRUE(eventually([&] { return has(one) || has(two); }));
  const bool is_one = near.node.node->embargo().is_confidant(one.url());
  EXPECT_TRUE(has(is_one ? one : two));
  EXPECT_FALSE(has(is_one ? two : one));
  EXPECT_EQ(near.node.transport()->feed("").value().messages.size(), 0U);
  // The other hears of it elsewhere, and near hears that it has: a poll waits there.
  ASSERT_TRUE((is_one ? two : one).node->submit_messages({message}, node::Origin::peer));
  EXPECT_TRUE(
      eventually([&] { return near.node.transport()->feed("").value().messages.size() == 1; }));
}

TEST(Gossip, HearsOfNewsAtOnceFromWhomItCalls) {
  for (const auto sync_every : {0s, 3600s}) {
    ChainBuilder builder;
    RunningNode far(builder);
    Talker near(builder);  // Nobody calls it.
    near.know(far.url());
    near.talk(sync_every);
    const auto clock = SystemClock();
    std::size_t sent = 0;
    for (const std::string text : {"first", "second"}) {
      const auto began = clock.steady();
      const Message message = builder.public_message(text, far.clock.now());
      ASSERT_TRUE(far.node->submit_messages({message}, node::Origin::own));
      ++sent;
      EXPECT_TRUE(eventually([&] { return near.node.node->info().value().pool_messages == sent; }));
      EXPECT_LT(clock.steady() - began, 15s);
    }
    far.accept(builder.blocks(builder.genesis(), 3));
    EXPECT_TRUE(eventually([&] { return near.node.tip() == far.tip(); }));
  }
}

TEST(Gossip, AsksNoPeerInARushThatAnswersAtOnce) {
  ChainBuilder builder;
  RunningNode far(builder);
  std::atomic<int> polls = 0;
  const SystemClock clock;
  const auto hasty = [&](net::HttpRequest request, net::Respond respond) {
    if (request.query.contains("wait")) ++polls;
    request.query.erase("wait");
    far.peer_routes->handle(std::move(request), std::move(respond));
  };
  const auto server = net::HttpServer::start({{.address = {net::Scheme::http, "127.0.0.1", 0, {}}}},
                                             hasty, {}, clock)
                          .value();
  {
    Talker near(builder);
    near.know(net::to_string(server->bound_addresses().front()));
    near.talk();
    ASSERT_TRUE(eventually([&] { return polls > 0; }));
    std::this_thread::sleep_for(500ms);
    EXPECT_LE(polls, 2);
    near.silence();
  }
  server->stop(0ms);
}

TEST(Gossip, LeavesADeadPeerForLater) {
  ChainBuilder builder;
  RunningNode good(builder);
  good.accept(builder.blocks(builder.genesis(), 3));
  const TempDir dir;
  const auto dead = (dir.path() / "dead").string();
  Talker near(builder);
  near.know("unix:" + dead);
  near.know(good.url());
  near.talk();
  EXPECT_TRUE(eventually([&] { return near.node.tip() == good.tip(); }));
  const auto peers = near.node.node->peers().value();
  const auto gone = std::ranges::find(peers, "unix:" + dead, &node::Peer::url);
  ASSERT_NE(gone, peers.end());
  EXPECT_TRUE(eventually([&] {
    const auto now = near.node.node->peers().value();
    return std::ranges::find(now, "unix:" + dead, &node::Peer::url)->failures > 0;
  }));
}

TEST(Gossip, NeverBansAPeerOnThisMachine) {
  ChainBuilder builder;
  const ChainBuilder other(easy_rules_text("name", "other"));
  RunningNode stranger(other);
  Talker near(builder);
  near.know(stranger.url());
  near.talk();
  EXPECT_TRUE(eventually([&] { return near.only_peer().failures > 0; }));
  EXPECT_EQ(near.only_peer().score, 0);
  EXPECT_NE(near.only_peer().last_error.find("another chain"), std::string::npos);
}

TEST(Gossip, EndsAtOnceWhileAPeerKeepsItWaiting) {
  ChainBuilder builder;
  const SystemClock clock;
  Mute mute(1);
  auto near = std::make_unique<Talker>(builder);
  near->know(mute.urls().front());
  near->talk();
  ASSERT_TRUE(eventually([&] { return mute.asked > 0; }));
  const auto begun = clock.steady();
  near.reset();
  EXPECT_LT(clock.steady() - begun, 3s);  // Of the 30 that a request may take.
}

TEST(Gossip, IsNotHeldUpByPeersThatKeepItWaiting) {
  ChainBuilder builder;
  Mute mute(2);
  RunningNode good(builder);
  good.accept(builder.blocks(builder.genesis(), 3));
  Talker near(builder);
  for (const std::string& url : mute.urls()) near.know(url);
  near.know(good.url());
  near.talk();
  EXPECT_TRUE(eventually([&] { return near.node.tip() == good.tip(); }));
  EXPECT_TRUE(eventually([&] { return mute.asked == 2; }));
  // News too: the two are still being asked.
  const Message message = builder.public_message("news", near.node.clock.now());
  ASSERT_TRUE(near.node.node->submit_messages({message}, node::Origin::peer));
  EXPECT_TRUE(eventually([&] { return good.node->info().value().pool_messages == 1; }));
  EXPECT_EQ(mute.asked, 2) << "one that is being asked was asked again meanwhile";
  near.silence();
}

TEST(Gossip, AsksAgainWhoWasBusyWhenNewsCame) {
  ChainBuilder builder;
  RunningNode good(builder);
  Gate gate(good);
  Talker near(builder);
  const auto write = [&](const std::string& text) {
    const Message message = builder.public_message(text, near.node.clock.now());
    ASSERT_TRUE(near.node.node->submit_messages({message}, node::Origin::own));
  };
  write("first");
  near.know(gate.url());
  near.talk();
  ASSERT_TRUE(eventually([&] { return gate.waiting == 1; }));
  write("second");  // What is being offered is decided already.
  ASSERT_TRUE(eventually([&] { return near.changes > 0; }));
  gate.open();
  EXPECT_TRUE(eventually([&] { return good.node->info().value().pool_messages == 2; }));
  near.silence();
}

TEST(Gossip, LetsARemovedPeerBeGone) {
  ChainBuilder builder;
  RunningNode far(builder);
  far.accept(builder.blocks(builder.genesis(), 3));
  Talker near(builder);
  near.know(far.url());
  std::atomic<bool> removed = false;
  // The first block that comes in is the moment to remove whom it comes from.
  near.node.node->on_change([&] { removed = bool(near.node.node->remove_peer(far.url())); });
  near.gossip = std::make_unique<Gossip>(*near.node.node, near.node.chain, near.node.clock,
                                         near.log, GossipOptions());
  // The tip is there before anybody is told of it.
  EXPECT_TRUE(eventually([&] { return removed && near.node.tip() == far.tip(); }));
  near.silence();
  EXPECT_TRUE(near.node.node->peers().value().empty());
}

/// It may have forgotten them: nobody can tell.
TEST(GossipScores, BodiesThatAreNotGivenCostNothing) {
  node::SyncReport done;
  node::Peer peer;
  peer.url = "https://11.0.0.1:5512";
  done.withheld_bodies = 3;
  for (std::uint32_t i = 1; i <= 20; ++i) {
    peer = after_exchange(peer, done, {1'000 + i});
    EXPECT_EQ(peer.score, 0U);
    EXPECT_EQ(peer.exchanges, i);
  }
}

}  // namespace
}  // namespace bmsg::api
