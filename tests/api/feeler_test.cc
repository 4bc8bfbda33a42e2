// Whoever never answered is called now and then, one in ten minutes, to see whether it does.

#include <gtest/gtest.h>

#include <atomic>
#include <functional>

#include "lib/api/gossip.h"
#include "lib/node/outbound.h"
#include "tests/api/running_node.h"

namespace bmsg::api {
namespace {

using namespace std::chrono_literals;

constexpr int kPeers = 9;

/// Leaps ahead when a test says so; whoever waits is to be woken then.
class LeapingClock final : public Clock {
 public:
  UnixSeconds now() const override {
    return {kEasyGenesisTime + 9'000 * 600 + static_cast<std::uint64_t>(ahead_.load())};
  }
  std::chrono::steady_clock::time_point steady() const override {
    return real_.steady() + std::chrono::seconds(ahead_.load());
  }
  void leap(std::chrono::seconds by) { ahead_ += by.count(); }

 private:
  SystemClock real_;
  std::atomic<std::chrono::seconds::rep> ahead_ = 0;
};

/// Holds nothing; counts how often gossip looks into it, which is once in each of its turns.
class Turns final : public node::OutboxSource {
 public:
  Result<std::vector<Queued>> new_messages(std::size_t) override {
    ++count;
    return std::vector<Queued>();
  }
  Result<Done> mark_taken(const std::string&) override { return done; }
  Result<Done> mark_failed(const std::string&, const std::string&) override { return done; }

  std::atomic<int> count = 0;
};

/// A node that was told of nine others in one network. None can be called: their addresses are set
/// aside for documentation, which shows only in the attempt.
struct Told {
  Told() : store(builder.rules_text()) {
    node = node::Node::make({.store = store,
                             .chain = builder.chain(),
                             .clock = clock,
                             .entropy = entropy,
                             .outbox = &turns,
                             .key = {},
                             .agent = "test",
                             .reorg = {},
                             .pool = {},
                             .judge_place = [](std::string_view) { return "192.0.0.0/16"; }})
               .value();
    for (int i = 1; i <= kPeers; ++i) {
      node::Peer peer;
      peer.url = "https://192.0.2." + std::to_string(i) + ":5512";
      peer.source = node::PeerSource::learned;
      peer.added = clock.now();
      EXPECT_TRUE(node->put_peer(peer));
    }
  }

  std::unique_ptr<Gossip> talk(std::chrono::seconds sync_every) {
    GossipOptions options;
    options.sync_every = sync_every;
    return std::make_unique<Gossip>(*node, builder.chain(), clock, log, options);
  }
  /// How many calls failed, of peers that are kept and of those that are not any more.
  std::size_t calls() const {
    const auto peers = node->peers().value();
    std::size_t count = kPeers - peers.size();
    for (const node::Peer& peer : peers) count += peer.failures;
    return count;
  }
  /// Lets whole turns of gossip go by that begin from now on.
  bool let_turns_pass(Gossip& gossip) {
    for (int turn = 0; turn < 20; ++turn) {
      const int before = turns.count;
      gossip.poke();
      if (!eventually([&] { return turns.count > before; })) return false;
    }
    return true;
  }

  ChainBuilder builder;
  LeapingClock clock;
  FakeEntropy entropy;
  Turns turns;
  NullLog log;
  node::MemoryStore store;
  std::unique_ptr<node::Node> node;
};

TEST(Feeler, GoesOutOnceInTenMinutes) {
  Told told;
  const auto gossip = told.talk(86'400s);
  ASSERT_TRUE(eventually([&] { return told.calls() == 1; })) << "one of a network is called first";
  told.clock.leap(node::kFeelerEvery - 10s);  // The test itself may take a while.
  ASSERT_TRUE(told.let_turns_pass(*gossip));
  EXPECT_EQ(told.calls(), 1U) << "too early";
  for (std::size_t feelers = 1; feelers <= 3; ++feelers) {
    told.clock.leap(feelers == 1 ? 10s : node::kFeelerEvery);
    gossip->poke();
    EXPECT_TRUE(eventually([&] { return told.calls() == 1 + feelers; })) << told.calls();
    ASSERT_TRUE(told.let_turns_pass(*gossip));
    EXPECT_EQ(told.calls(), 1 + feelers) << "more than one";
  }
}

TEST(Feeler, StaysAtHomeWherePeersAreNotAskedByTheClock) {
  Told told;
  const auto gossip = told.talk(0s);
  told.clock.leap(2 * node::kFeelerEvery);
  ASSERT_TRUE(told.let_turns_pass(*gossip));
  EXPECT_EQ(told.calls(), 0U);
}

}  // namespace
}  // namespace bmsg::api
