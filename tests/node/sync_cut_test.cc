// Exchanges that are cut, lossy networks, and partitions that meet again.

#include <algorithm>
#include <random>
#include <set>

#include "tests/node/sync_fixture.h"
#include "tests/support/seed.h"

namespace bmsg::node {
namespace {

constexpr int kRuns = 50;

TEST(SyncCut, AtEveryRequestOfAPullLosesNothing) {
  bool whole = false;
  for (std::uint64_t cut = 0; !whole; ++cut) {
    SyncWorld world;
    world.ben.take(world.blocks(60, "old "));
    world.ben.pool({world.message("waits")});
    SimTransport first(*world.ben.service);
    first.cut_after(cut);
    const auto result = world.sync(first);
    whole = bool(result);
    EXPECT_TRUE(whole || result.error().code == Errc::unreachable);
    EXPECT_EQ(world.ana.height(), first.traffic.blocks_in);
    SimTransport second(*world.ben.service);
    report_of(world.sync(second));
    EXPECT_EQ(world.ana.tip(), world.ben.tip());
    EXPECT_EQ(world.ana.pool_size(), 1U);
    EXPECT_EQ(first.traffic.blocks_in + second.traffic.blocks_in, 60U) << "cut after " << cut;
    ASSERT_LT(cut, 30U);
  }
}

TEST(SyncCut, AtEveryRequestOfADeepForkLosesNothing) {
  bool whole = false;
  for (std::uint64_t cut = 0; !whole; ++cut) {
    SyncWorld world;
    world.ana.take(world.blocks(50, "lost "));
    world.ben.take(world.blocks(60, "won "));
    SimTransport first(*world.ben.service);
    first.cut_after(cut);
    whole = bool(world.sync(first));
    SimTransport second(*world.ben.service);
    report_of(world.sync(second));
    EXPECT_EQ(world.ana.tip(), world.ben.tip());
    EXPECT_EQ(first.traffic.blocks_in + second.traffic.blocks_in, 60U) << "cut after " << cut;
    EXPECT_EQ(world.ana.pool_size(), 50U);
    ASSERT_LT(cut, 30U);
  }
}

TEST(SyncCut, AtEveryRequestOfAPushLosesNothing) {
  bool whole = false;
  for (std::uint64_t cut = 0; !whole; ++cut) {
    SyncWorld world;
    world.ben.take(world.blocks(50, "lost "));
    world.ana.take(world.blocks(60, "won "));
    SimTransport first(*world.ben.service);
    first.cut_after(cut);
    whole = bool(world.sync(first));
    report_of(world.sync());
    EXPECT_EQ(world.ana.tip(), world.ben.tip());
    EXPECT_EQ(world.ana.pool_size(), 50U);
    ASSERT_LT(cut, 30U);
  }
}

/// Nodes in a ring; each calls the next.
struct Ring {
  Ring(std::size_t count, std::mt19937_64& seeded) : numbers(seeded) {
    for (std::size_t i = 0; i < count; ++i)
      nodes.push_back(std::make_unique<SimNode>(builder, clock, i + 1));
  }

  Message write(SimNode& node) {
    written.push_back(
        builder.public_message("message " + std::to_string(written.size()), clock.now()));
    node.pool({written.back()});
    return written.back();
  }
  /// Takes what waits, with a price and a time of its own.
  void mine(SimNode& node) {
    BlockTemplate work = node.service->block_template({}).value();
    const UnixSeconds time{clock.now().value - number_up_to(numbers, 20)};
    const UnixSeconds later{std::max(time.value, work.parent.time.value + 1)};
    const Block block = builder.block(work.parent, work.block.messages, later);
    ASSERT_EQ(node.service->submit_block(block).value().verdict, Verdict::accepted);
  }
  void live_alone(SimNode& node, std::size_t turns) {
    for (std::size_t i = 0; i < turns; ++i) {
      clock.advance(number_up_to(numbers, 900));
      if (number_up_to(numbers, 1) == 0) write(node);
      if (number_up_to(numbers, 1) == 0) mine(node);
    }
  }
  void round(unsigned loss) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      SimTransport wire(*nodes[(i + 1) % nodes.size()]->service);
      wire.lose(loss, numbers);
      const auto result = sync_with(*nodes[i]->service, wire, builder.chain(), clock, {});
      if (loss == 0) report_of(result);
      EXPECT_TRUE(result || result.error().code == Errc::unreachable) << result.error().message;
    }
  }
  std::set<MessageId> pool_of(const SimNode& node) const {
    std::set<MessageId> ids;
    for (const PooledMessage& one : node.store.pool(0).value()) ids.insert(one.id);
    return ids;
  }
  bool agrees() const {
    const auto same = [&](const auto& node) {
      return node->tip() == nodes.front()->tip() && pool_of(*node) == pool_of(*nodes.front());
    };
    return std::ranges::all_of(nodes, same);
  }
  /// Each message is in the pool or on the best chain, and not on both.
  void expect_nothing_lost() const {
    for (const auto& node : nodes) {
      for (const Message& message : written) {
        const MessageId id = chain::id_of(message.head);
        const auto places = node->store.places_of(id).value();
        const auto on_main = [](const MessagePlace& place) { return place.branch == Branch::main; };
        EXPECT_EQ(std::ranges::count_if(places, on_main), node->has_pooled(message) ? 0 : 1);
      }
    }
  }

  std::mt19937_64& numbers;
  FakeClock clock{kEasyGenesisTime + 100'000};
  ChainBuilder builder;
  std::vector<std::unique_ptr<SimNode>> nodes;
  std::vector<Message> written;
};

TEST(SyncRing, ConvergesInThreeRoundsAfterAPartition) {
  auto numbers = seeded_numbers();
  for (int run = 0; run < kRuns; ++run) {
    Ring ring(3, numbers);
    for (const auto& node : ring.nodes) ring.live_alone(*node, number_up_to(numbers, 40));
    for (int round = 0; round < 3; ++round) ring.round(0);
    EXPECT_TRUE(ring.agrees()) << "run " << run;
    ring.expect_nothing_lost();
  }
}

TEST(SyncRing, ConvergesThoughAThirdOfAllRequestsIsLost) {
  auto numbers = seeded_numbers();
  for (int run = 0; run < kRuns; ++run) {
    Ring ring(3, numbers);
    for (const auto& node : ring.nodes) ring.live_alone(*node, number_up_to(numbers, 20));
    int rounds = 0;
    while (!ring.agrees() && rounds < 300) {
      ring.round(33);
      ++rounds;
    }
    EXPECT_LT(rounds, 300) << "run " << run;
    ring.expect_nothing_lost();
  }
}

TEST(SyncRing, StaysInAgreementWhileAllWriteAndMine) {
  auto numbers = seeded_numbers();
  for (int run = 0; run < 10; ++run) {
    Ring ring(4, numbers);
    for (int day = 0; day < 8; ++day) {
      for (const auto& node : ring.nodes) ring.live_alone(*node, 3);
      ring.round(10);
    }
    for (int round = 0; round < 4; ++round) ring.round(0);
    EXPECT_TRUE(ring.agrees()) << "run " << run;
    ring.expect_nothing_lost();
  }
}

}  // namespace
}  // namespace bmsg::node
