// Whom a node calls, and how often: each peer in its turn, and nobody without a reason.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>

#include "lib/chain/block_hash.h"
#include "tests/api/talker.h"

namespace bmsg::api {
namespace {

using namespace std::chrono_literals;

/// So many peers, all of them one node, at doors that count. Nobody is answered before so many
/// have come.
template <std::size_t kDoors>
struct Doors {
  Doors(RunningNode& node, int crowd) : to(node), awaited(crowd) {
    for (std::size_t i = 0; i < kDoors; ++i) servers[i] = open(i);
  }
  ~Doors() {
    for (const auto& server : servers) server->stop(0ms);
  }

  std::unique_ptr<net::HttpServer> open(std::size_t door) {
    const auto pass = [this, door](net::HttpRequest request, net::Respond respond) {
      if (request.path == "/bmsg/1/feed" && request.query.contains("wait")) ++polls;
      if (request.path != "/bmsg/1/info") return to.peer_routes->handle(request, respond);
      ++calls[door];
      const std::lock_guard lock(mutex);
      held.emplace_back(std::move(request), std::move(respond));
      if (static_cast<int>(held.size()) < awaited) return;
      awaited = 0;
      for (auto& [asked, answer] : held) to.peer_routes->handle(asked, answer);
      held.clear();
    };
    return net::HttpServer::start({{.address = {net::Scheme::http, "127.0.0.1", 0, {}}}}, pass, {},
                                  clock)
        .value();
  }
  std::string url(std::size_t door) const {
    return net::to_string(servers[door]->bound_addresses().front());
  }
  /// Whether each was called just so often.
  bool were_called(int times) const {
    return std::ranges::all_of(calls, [&](const auto& count) { return count == times; });
  }
  int most() const { return *std::ranges::max_element(calls); }

  RunningNode& to;
  SystemClock clock;
  std::mutex mutex;
  int awaited = 0;
  std::vector<std::pair<net::HttpRequest, net::Respond>> held;
  std::array<std::atomic<int>, kDoors> calls{};
  std::atomic<int> polls = 0;
  std::array<std::unique_ptr<net::HttpServer>, kDoors> servers;
};

TEST(GossipTurns, CallsEachOfManyPeersOnceInARound) {
  ChainBuilder builder;
  RunningNode far(builder);
  Doors<10> doors(far, 8);  // All that can be called at once.
  Talker near(builder);
  for (std::size_t i = 0; i < 10; ++i) near.know(doors.url(i));
  near.talk();
  EXPECT_TRUE(eventually([&] { return doors.were_called(1); }));
  std::this_thread::sleep_for(1s);
  EXPECT_EQ(doors.most(), 1) << "one round was asked for";
  const Message message = builder.public_message("news", near.node.clock.now());
  ASSERT_TRUE(near.node.node->submit_messages({message}, node::Origin::peer));
  EXPECT_TRUE(eventually([&] { return doors.were_called(2); }));
  std::this_thread::sleep_for(1s);
  EXPECT_EQ(doors.most(), 2);
  near.silence();
}

TEST(GossipTurns, GivesNothingOfItsOwnToAPeerThatTakesNothing) {
  ChainBuilder builder;
  RunningNode light(builder, nullptr, node::Keeps::heads);
  RunningNode good(builder);
  Talker near(builder);
  near.know(light.url());
  near.talk();
  const auto confidant = [&] { return near.node.node->embargo().confidant(); };
  ASSERT_TRUE(eventually([&] { return near.only_peer().last_seen.value > 0; }));
  EXPECT_TRUE(eventually([&] { return !confidant(); }));
  near.know(good.url());
  near.gossip->poke();
  EXPECT_TRUE(eventually([&] { return confidant() == good.url(); }));
  near.silence();
}

TEST(GossipTurns, GivesWhatIsItsOwnToAnotherWhereTheFirstIsGone) {
  ChainBuilder builder;
  auto first = std::make_unique<RunningNode>(builder);
  RunningNode second(builder);
  Talker near(builder);
  near.know(first->url());
  near.talk();
  ASSERT_TRUE(eventually([&] { return near.only_peer().last_seen.value > 0; }));
  ASSERT_TRUE(near.node.node->embargo().is_confidant(first->url()));
  near.know(second.url());
  first.reset();
  const Message message = builder.public_message("ours", near.node.clock.now());
  ASSERT_TRUE(near.node.node->submit_messages({message}, node::Origin::own));
  // Long before its time is over.
  EXPECT_TRUE(eventually([&] { return second.node->info().value().pool_messages == 1; }));
  EXPECT_TRUE(near.node.node->embargo().keeps(chain::id_of(message.head)));
  near.silence();
}

TEST(GossipTurns, TakesNoMessageForNewsInALightStore) {
  ChainBuilder builder;
  RunningNode far(builder);
  Doors<1> doors(far, 1);
  Talker near(builder, node::Keeps::heads);
  near.know(doors.url(0));
  near.talk();
  ASSERT_TRUE(eventually([&] { return doors.polls == 1; }));
  const Message message = builder.public_message("theirs", far.clock.now());
  ASSERT_TRUE(far.node->submit_messages({message}, node::Origin::own));
  ASSERT_TRUE(eventually([&] { return doors.polls == 2; })) << "it was told";
  std::this_thread::sleep_for(300ms);
  EXPECT_EQ(doors.calls[0], 1);
  Block block = builder.block(builder.genesis(), {message}, far.clock.now());
  far.accept({block});
  EXPECT_TRUE(eventually([&] { return near.node.tip() == far.tip(); }));
  near.silence();
}

}  // namespace
}  // namespace bmsg::api
