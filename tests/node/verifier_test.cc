#include "lib/node/verifier.h"

#include "tests/node/node_fixture.h"

namespace bmsg {
namespace {

using node::Depth;
using node::Fault;
using node::Verdict;

/// Six blocks; the second and the fourth hold two messages each.
struct Verifier : testing::Test {
  NodeFixture f;
  std::vector<Block> blocks;

  void SetUp() override {
    Header at = f.builder.genesis();
    for (int i = 1; i <= 6; ++i) {
      std::vector<Message> messages;
      const UnixSeconds time{f.clock.now().value + static_cast<std::uint64_t>(i)};
      for (int j = 0; j < 2 && (i == 2 || i == 4); ++j)
        messages.push_back(f.message(std::to_string(10 * i + j)));
      blocks.push_back(f.builder.block(at, messages, time));
      at = blocks.back().header;
    }
    f.accept_all(blocks);
  }
  node::VerifyReport verify(Depth depth, Height from = {},
                            const std::function<bool(Height)>& reads = {}) {
    const node::VerifyWish wish{
        .depth = depth, .from = from, .reads = reads, .on_progress = {}, .stop = {}};
    return node::verify(f.store, f.builder.chain(), wish).value();
  }
  node::MemoryStore::BlockRecord& record(std::size_t height) {
    return f.store.records().blocks.at(hash_of(blocks[height - 1]));
  }
  static bool has(const node::VerifyReport& report, const std::string& kind, std::uint32_t height) {
    return std::ranges::any_of(report.faults, [&](const Fault& fault) {
      return fault.kind == kind && fault.height == Height{height};
    });
  }
};

TEST_F(Verifier, FindsNothingInAGoodChain) {
  for (const Depth depth : {Depth::quick, Depth::full}) {
    const auto report = verify(depth);
    EXPECT_TRUE(report.faults.empty()) << report.faults[0].kind << report.faults[0].detail;
    EXPECT_EQ(report.blocks, 7U);
    EXPECT_EQ(report.messages, 4U);
    EXPECT_EQ(report.tip.hash, hash_of(blocks[5]));
  }
}

TEST_F(Verifier, FindsNothingAfterAReorg) {
  Header at = f.builder.genesis();
  f.clock.advance(1'000);
  for (std::uint64_t i = 1; i <= 8; ++i) {
    const Block block = f.builder.block(at, {}, UnixSeconds{f.clock.now().value - 900 + i});
    ASSERT_EQ(f.accept(block).verdict, Verdict::accepted);
    at = block.header;
  }
  ASSERT_EQ(f.tip(), chain::hash_of(at));
  EXPECT_EQ(f.pooled().size(), 4U);
  EXPECT_TRUE(verify(Depth::full).faults.empty());
}

TEST_F(Verifier, GoesOnBehindADamagedHeaderAndNamesItsHeight) {
  record(2).readable = false;
  f.store.records().tree[{0, 5}] = Digest::filled(9);
  const auto report = verify(Depth::quick);
  ASSERT_EQ(report.faults.size(), 2U);
  EXPECT_EQ(report.faults[0].kind, "record");
  EXPECT_EQ(report.faults[0].height, Height{2});
  EXPECT_EQ(report.faults[0].hash, hash_of(blocks[1]));
  EXPECT_EQ(report.faults[1].kind, "tree");
  EXPECT_EQ(report.faults[1].height, Height{5});
}

TEST_F(Verifier, GoesOnBehindADamagedTipAndTwoDamagedInARow) {
  record(3).readable = false;
  record(4).readable = false;
  record(6).readable = false;
  const auto report = verify(Depth::quick);
  ASSERT_EQ(report.faults.size(), 3U) << report.faults.back().kind << report.faults.back().detail;
  EXPECT_TRUE(has(report, "record", 3));
  EXPECT_TRUE(has(report, "record", 4));
  EXPECT_TRUE(has(report, "record", 6));
}

TEST_F(Verifier, FindsABlockAboveADamagedOneThatStandsOnAnother) {
  record(2).readable = false;
  record(3).header.sealed.header.previous = BlockHash::filled(1);
  EXPECT_TRUE(has(verify(Depth::quick), "prev", 3));
}

TEST_F(Verifier, FindsAChangedHeader) {
  record(3).header.sealed.header.time.value += 1;
  const auto report = verify(Depth::quick);
  EXPECT_TRUE(has(report, "hash", 3));
}

TEST_F(Verifier, FindsAWrongWork) {
  record(3).header.total_work = Work::filled(1);
  EXPECT_TRUE(has(verify(Depth::quick), "work", 3));
}

TEST_F(Verifier, FindsAnotherGenesis) {
  auto& records = f.store.records();
  records.blocks.at(records.main[0]).header.total_work = Work::filled(1);
  EXPECT_TRUE(has(verify(Depth::quick), "work", 0));
}

TEST_F(Verifier, FindsAWrongNodeOfTheTree) {
  f.store.records().tree[{1, 1}] = Digest::filled(9);
  EXPECT_TRUE(has(verify(Depth::quick), "tree", 3));
}

TEST_F(Verifier, FindsATipRecordThatLags) {
  f.store.records().tip.hash = hash_of(blocks[4]);
  EXPECT_TRUE(has(verify(Depth::quick), "tip", 6));
}

TEST_F(Verifier, FindsAChangedBodyOnlyInFull) {
  record(4).messages[0].body->back() ^= 1;
  EXPECT_TRUE(verify(Depth::quick).faults.empty());
  EXPECT_TRUE(has(verify(Depth::full), "body", 4));
}

TEST_F(Verifier, FindsAChangedHeadNonceAndCount) {
  record(2).messages[0].nonce ^= 1;
  EXPECT_TRUE(has(verify(Depth::full), "root", 2));
  record(4).messages.pop_back();
  EXPECT_TRUE(has(verify(Depth::full), "count", 4));
}

TEST_F(Verifier, BeginsWithMessagesAtTheHeightThatIsAsked) {
  record(2).messages[0].body->back() ^= 1;
  EXPECT_TRUE(verify(Depth::full, Height{3}).faults.empty());
  EXPECT_FALSE(verify(Depth::full, Height{2}).faults.empty());
}

TEST_F(Verifier, ReadsMessagesOfTheHeightsThatAreChosen) {
  record(2).messages[0].body->back() ^= 1;
  const auto not_second = [](Height height) { return height.value != 2; };
  EXPECT_TRUE(verify(Depth::full, {}, not_second).faults.empty());
  const auto second = [](Height height) { return height.value == 2; };
  EXPECT_FALSE(verify(Depth::full, {}, second).faults.empty());
  EXPECT_TRUE(verify(Depth::quick, {}, second).faults.empty());
}

TEST_F(Verifier, FindsAMessageThatTheIndexLacks) {
  f.store.records().places.erase(id_of(blocks[3].messages[1]));
  EXPECT_TRUE(has(verify(Depth::full), "index", 4));
}

TEST_F(Verifier, CountsDroppedBodiesAsNoFault) {
  record(4).messages[0].body.reset();
  const auto report = verify(Depth::full);
  EXPECT_TRUE(report.faults.empty());
  EXPECT_EQ(report.dropped_bodies, 1U);
}

TEST_F(Verifier, FindsABodyThatIsAbsentThoughItNeitherExpiredNorWasForgotten) {
  const Message gone = blocks[3].messages[0];
  record(4).messages[0].body.reset();
  const std::uint64_t expiry = gone.head.expiry();
  const auto at = [&](std::uint64_t now) {
    node::VerifyWish wish;
    wish.depth = Depth::full;
    wish.now = UnixSeconds{now};
    return node::verify(f.store, f.builder.chain(), wish).value();
  };
  EXPECT_TRUE(has(at(expiry - 1), "body", 4));
  EXPECT_TRUE(at(expiry).faults.empty());
  record(4).messages[0].body = gone.body;
  EXPECT_TRUE(at(expiry - 1).faults.empty());
  node::ChainChange change;
  change.drop = {{id_of(gone), UnixSeconds{expiry - 10}, node::DropRule::named}};
  ASSERT_TRUE(f.store.apply(change));
  const auto report = at(expiry - 1);
  EXPECT_EQ(report.dropped_bodies, 1U);
  EXPECT_TRUE(report.faults.empty());
}

TEST_F(Verifier, FindsAChangedMessageInThePoolAndOneThatIsMined) {
  const Message waiting = f.message("waiting");
  ASSERT_EQ(f.submit(waiting, node::Origin::own).verdict, Verdict::accepted);
  EXPECT_TRUE(verify(Depth::full).faults.empty());
  f.store.records().pool.begin()->second.message.body->back() ^= 1;
  EXPECT_TRUE(has(verify(Depth::full), "pool", 6));
  f.store.records().pool.begin()->second.message.body->back() ^= 1;
  node::ChainChange change;
  const Message& mined = blocks[1].messages[0];
  change.pool_add.push_back({id_of(mined), mined, f.clock.now(), node::Origin::own, 0});
  ASSERT_TRUE(bool(f.store.apply(change)));
  EXPECT_TRUE(has(verify(Depth::full), "pool", 6));
}

TEST_F(Verifier, StopsWhenAskedAndSaysSo) {
  std::stop_source stop;
  stop.request_stop();
  const auto report = node::verify(f.store, f.builder.chain(),
                                   {.depth = Depth::quick,
                                    .from = {},
                                    .reads = {},
                                    .on_progress = {},
                                    .stop = stop.get_token()})
                          .value();
  EXPECT_TRUE(report.stopped);
  EXPECT_TRUE(report.faults.empty());
}

}  // namespace
}  // namespace bmsg
