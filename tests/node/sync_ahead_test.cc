// Blocks that are asked for before those that came are checked, those of liars, and those that are
// asked for by their heads since most of their messages are here.

#include <algorithm>

#include "lib/node/block_queue.h"
#include "lib/node/block_sync.h"
#include "tests/node/sync_fixture.h"

namespace bmsg::node {
namespace {

/// Takes note of what is expected, and by then of how far our chain was.
class AheadTransport final : public Transport {
 public:
  struct Expected {
    Height from;
    std::uint32_t count;
    Height ours;
  };
  AheadTransport(SimTransport& peer, SimNode& ours) : peer_(peer), ours_(ours) {}

  Result<NodeInfo> info() override { return peer_.info(); }
  Result<std::string> rules_text() override { return peer_.rules_text(); }
  Result<std::vector<SealedHeader>> headers(Height from, std::uint32_t count) override {
    return peer_.headers(from, count);
  }
  Result<std::vector<Block>> blocks(Height from, std::uint32_t count, Bodies bodies) override {
    if (!expected.empty()) {
      EXPECT_EQ(from, expected.back().from);
      EXPECT_EQ(count, expected.back().count);
    }
    ++asked;
    return peer_.blocks(from, count, bodies);
  }
  bool expect_blocks(Height from, std::uint32_t count, Bodies) override {
    expected.push_back({from, count, Height{ours_.height()}});
    return true;
  }
  Result<std::optional<Block>> block(const BlockHash& hash, Bodies bodies) override {
    return peer_.block(hash, bodies);
  }
  Result<std::vector<Message>> messages(const std::vector<ShortId>& ids) override {
    return peer_.messages(ids);
  }
  Result<Feed> feed(const std::string& cursor) override { return peer_.feed(cursor); }
  Result<std::vector<PutLine>> put(const Bytes& pack) override { return peer_.put(pack); }
  std::string name() const override { return peer_.name(); }
  std::uint64_t bytes_in() const override { return peer_.bytes_in(); }
  std::uint64_t bytes_out() const override { return peer_.bytes_out(); }

  std::vector<Expected> expected;
  int asked = 0;

 private:
  SimTransport& peer_;
  SimNode& ours_;
};

TEST(SyncAhead, AsksForFewerAtOnceWhereBlocksAreLarge) {
  constexpr std::size_t kLetters = 10;
  SyncWorld world;
  std::vector<Block> blocks;
  for (std::size_t i = 0; i < 24; ++i) {
    const Header parent = blocks.empty() ? world.builder.genesis() : blocks.back().header;
    const UnixSeconds time{parent.time.value + 600};
    std::vector<Message> messages;
    for (std::size_t at = 0; at < kLetters; ++at) {
      messages.push_back(world.message(std::to_string(i) + "." + std::to_string(at), time));
      world.builder.set_body(messages.back(), Bytes(60'000, static_cast<std::uint8_t>(at)));
    }
    blocks.push_back(world.builder.block(parent, std::move(messages), time));
  }
  world.ben.take(blocks);
  SimTransport peer(*world.ben.service);
  AheadTransport transport(peer, world.ana);
  report_of(sync_with(*world.ana.service, transport, world.builder.chain(), world.clock, {}));
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
  ASSERT_GT(transport.expected.size(), 1U) << "all that was asked for after the first answer";
  for (const auto& one : transport.expected) {
    EXPECT_LE(one.count * kLetters * 60'000, kAnswerBytesMax);
    EXPECT_TRUE(one.count == 4 || one.from.value + one.count == 25) << "no more than it has to";
  }
}

TEST(SyncAhead, AsksForTheNextBlocksBeforeItChecksThoseThatCame) {
  SyncWorld world;
  world.ben.take(world.blocks(100, "m"));
  SimTransport wire(*world.ben.service);
  AheadTransport ahead(wire, world.ana);
  report_of(sync_with(*world.ana.service, ahead, world.builder.chain(), world.clock, {}));
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
  EXPECT_EQ(wire.traffic.blocks_in, 100U) << "none twice";
  EXPECT_EQ(ahead.asked, 7) << "1 to 15, five times 16, 96 to 100";
  ASSERT_EQ(ahead.expected.size(), 6U) << "all but the first";
  for (const auto& one : ahead.expected)
    EXPECT_GE(one.from.value, one.ours.value + 16) << "a whole request is not checked yet";
}

/// The clock stands still: whoever waits for a time to pass waits in vain.
TEST(SyncLiar, IsWaitedForInNoCase) {
  for (const bool is_found_by_other : {false, true}) {
    SyncWorld world;
    const auto made = world.blocks(200, "m");
    world.ben.take(made);
    BlockQueue queue(world.clock);
    const SyncOptions together{.queue = &queue};
    SimTransport to_liar(*world.ben.service);
    SimTransport to_honest(*world.ben.service);
    to_liar.lies.blocks = [](Height, std::vector<Block>& blocks) {
      for (Block& block : blocks) block.messages[0].body->back() ^= 1;
    };
    SyncSession liar(*world.ana.service, to_liar, world.builder.chain(), world.clock, together);
    SyncSession honest(*world.ana.service, to_honest, world.builder.chain(), world.clock, together);
    while (to_liar.traffic.requests < 2) ASSERT_TRUE(liar.step());
    while (to_honest.traffic.requests < 1) ASSERT_TRUE(honest.step());
    // Its second range lies there when the honest one's first is here; or it finds itself out.
    if (is_found_by_other) {
      to_honest.lies.blocks = [&](Height, std::vector<Block>&) {
        to_honest.lies.blocks = nullptr;
        ASSERT_TRUE(liar.step());
        ASSERT_TRUE(liar.step());
      };
    } else {
      while (liar.step()) ASSERT_LT(to_liar.traffic.requests, 5U);
    }
    for (int steps = 0;; ++steps) {
      const auto more = honest.step();
      ASSERT_TRUE(more) << more.error().message;
      if (!more.value()) break;
      ASSERT_LT(steps, 60) << "it waits";
    }
    EXPECT_GT(to_liar.traffic.blocks_in, 0U);
    EXPECT_EQ(world.ana.tip(), world.ben.tip());
    EXPECT_EQ(to_honest.traffic.blocks_in, made.size());
    EXPECT_FALSE(liar.step());
  }
}

/// Ben has a block of 40 messages; Ana has so many of them in her pool. Returns the bytes that
/// came.
std::uint64_t bytes_for(std::size_t known, SimTraffic& traffic) {
  SyncWorld world;
  const auto old = world.blocks(20, "old ");
  world.ana.take(old);
  world.ben.take(old);
  std::vector<Message> messages;
  for (int i = 0; i < 40; ++i)
    messages.push_back(world.message(std::string(400, 'x') + std::to_string(i)));
  world.ana.pool({messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(known)});
  std::ranges::sort(messages, {}, [](const Message& m) { return chain::id_of(m.head); });
  world.ben.take({world.builder.block(old.back().header, messages, world.clock.now())});
  SimTransport wire(*world.ben.service);
  report_of(world.sync(wire, {.direction = SyncOptions::Direction::pull}));
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
  EXPECT_EQ(world.ana.pool_size(), 0U);
  const auto here = world.ana.service->block(world.ana.tip().hash, Bodies::with).value();
  EXPECT_EQ(here->messages, messages);
  traffic = wire.traffic;
  return wire.bytes_in();
}

TEST(SyncByHeads, FetchesNoBodyThatWaitsHere) {
  SimTraffic none, all, most, few;
  const auto whole = bytes_for(0, none);
  EXPECT_EQ(none.messages_in, 0U);
  EXPECT_GT(whole, 40U * 400);
  EXPECT_LT(bytes_for(40, all), whole / 2);
  EXPECT_EQ(all.messages_in, 0U);
  EXPECT_EQ(all.requests, none.requests);
  EXPECT_LT(bytes_for(37, most), whole / 2);
  EXPECT_EQ(most.messages_in, 3U);
  EXPECT_EQ(most.requests, none.requests + 1);
  EXPECT_GT(bytes_for(10, few), whole) << "the whole block, and its heads in vain";
  EXPECT_EQ(few.messages_in, 0U);
}

TEST(SyncByHeads, AFalseAnswerIsMadeGoodByTheWholeBlock) {
  SyncWorld world;
  const auto old = world.blocks(20, "old ");
  world.ana.take(old);
  world.ben.take(old);
  std::vector<Message> messages{world.message("one"), world.message("two"), world.message("three")};
  world.ana.pool({messages[0], messages[1]});
  std::ranges::sort(messages, {}, [](const Message& m) { return chain::id_of(m.head); });
  world.ben.take({world.builder.block(old.back().header, messages, world.clock.now())});
  SimTransport wire(*world.ben.service);
  bool was_asked = false;
  wire.lies.messages = [&](std::vector<Message>& given) {
    was_asked = true;
    given.clear();
  };
  report_of(world.sync(wire));
  EXPECT_TRUE(was_asked);
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
}

}  // namespace
}  // namespace bmsg::node
