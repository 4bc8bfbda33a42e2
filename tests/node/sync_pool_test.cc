// Pools, and single blocks through the pool of the other side.

#include "tests/node/sync_fixture.h"

namespace bmsg::node {
namespace {

TEST(SyncPool, GoesBothWays) {
  SyncWorld world;
  const auto from_ana = world.message("from ana");
  const auto from_ben = world.message("from ben");
  const auto both = world.message("both");
  world.ana.pool({from_ana, both});
  world.ben.pool({from_ben, both});
  const auto report = report_of(world.sync());
  EXPECT_EQ(report.pulled_messages, 1U);
  EXPECT_EQ(report.pushed_messages, 1U);
  EXPECT_TRUE(world.ana.has_pooled(from_ben));
  EXPECT_TRUE(world.ben.has_pooled(from_ana));
  EXPECT_EQ(world.ana.pool_size(), 3U);
  EXPECT_EQ(world.ben.pool_size(), 3U);
}

TEST(SyncPool, TakesMoreThanOneRequestHolds) {
  SyncWorld world;
  std::vector<Message> many;
  for (std::size_t i = 0; i < kShortIdsPerRequest + 1; ++i)
    many.push_back(world.message("message " + std::to_string(i)));
  world.ben.pool(many);
  EXPECT_EQ(report_of(world.sync()).pulled_messages, many.size());
  SimNode cas(world.builder, world.clock, 3);
  SimTransport transport(*cas.service);
  EXPECT_EQ(report_of(world.sync(transport)).pushed_messages, many.size());
  EXPECT_EQ(cas.pool_size(), many.size());
}

TEST(SyncPool, AsksAgainWhenAnAnswerIsCutShort) {
  SyncWorld world;
  world.ben.pool({world.message("1"), world.message("2"), world.message("3")});
  SimTransport transport(*world.ben.service);
  transport.lies.messages = [](std::vector<Message>& messages) { messages.resize(1); };
  EXPECT_EQ(report_of(world.sync(transport)).pulled_messages, 3U);
}

TEST(SyncPool, TheCursorTellsOfNewOnesOnly) {
  SyncWorld world;
  world.ben.pool({world.message("first")});
  auto report = report_of(world.sync());
  ASSERT_FALSE(report.cursor.empty());
  world.ben.pool({world.message("second")});
  SimTransport transport(*world.ben.service);
  std::size_t told = 0;
  transport.lies.feed = [&](Feed& feed) { told = feed.messages.size(); };
  report = report_of(world.sync(transport, {.cursor = report.cursor}));
  EXPECT_EQ(told, 1U);
  EXPECT_EQ(report.pulled_messages, 1U);
}

TEST(SyncPool, OffersWhatIsNewSinceItsOwnCursor) {
  SyncWorld world;
  const Message first = world.message("first");
  world.ana.pool({first});
  const auto before = report_of(world.sync());
  ASSERT_FALSE(before.own_cursor.empty());
  world.ana.pool({world.message("second")});
  SimTransport transport(*world.ben.service);
  const SyncOptions by_cursor{.cursor = before.cursor, .own_cursor = before.own_cursor};
  const auto after = report_of(world.sync(transport, by_cursor));
  EXPECT_EQ(after.pushed_messages, 1U);
  EXPECT_EQ(transport.traffic.puts, (std::vector<std::string>{"I", "M"}));
  // Nothing is new: nothing is offered.
  SimTransport quiet(*world.ben.service);
  report_of(world.sync(quiet, {.cursor = after.cursor, .own_cursor = after.own_cursor}));
  EXPECT_TRUE(quiet.traffic.puts.empty());
}

TEST(SyncPool, OffersAllToAPeerWhoseFeedBeganAnew) {
  SyncWorld world;
  world.ana.pool({world.message("first")});
  const auto before = report_of(world.sync());
  SimNode anew(world.builder, world.clock, 7);
  SimTransport transport(*anew.service);
  const SyncOptions by_cursor{.cursor = before.cursor, .own_cursor = before.own_cursor};
  EXPECT_EQ(report_of(world.sync(transport, by_cursor)).pushed_messages, 1U);
}

TEST(SyncPool, TellsWhatAPeerHasOfWhatWasOfferedBefore) {
  SyncWorld world;
  const auto before = report_of(world.sync());
  const Message both = world.message("both");
  world.ana.pool({both});
  auto after = report_of(world.sync({.direction = SyncOptions::Direction::pull,
                                     .cursor = before.cursor,
                                     .own_cursor = before.own_cursor}));
  EXPECT_EQ(after.own_cursor, before.own_cursor) << "nothing was offered";
  EXPECT_TRUE(after.peer_has.empty());
  world.ben.pool({both});
  const std::string own = world.ana.service->feed("").value().cursor;
  after = report_of(world.sync({.cursor = before.cursor, .own_cursor = own}));
  EXPECT_EQ(after.peer_has, std::vector{prefix_of<ShortId>(chain::id_of(both.head))});
}

TEST(SyncPool, AnInterruptedPullKeepsTheOldCursor) {
  SyncWorld world;
  world.ben.pool({world.message("first")});
  SimTransport transport(*world.ben.service);
  SyncSession session(*world.ana.service, transport, world.builder.chain(), world.clock,
                      {.cursor = "old.0"});
  transport.cut_after(2);  // info and feed.
  auto stepped = session.step();
  while (stepped && stepped.value()) stepped = session.step();
  EXPECT_FALSE(stepped);
  EXPECT_EQ(session.report().cursor, "old.0");
}

TEST(SyncPool, DoesNotFetchWhatWasMinedSince) {
  SyncWorld world;
  const auto message = world.message("mined");
  world.ben.pool({message});
  const Header genesis = world.builder.genesis();
  const Block block = world.builder.block(genesis, {message}, world.clock.now());
  world.ben.take({block});
  SimTransport transport(*world.ben.service);
  // A log of arrivals still names it.
  transport.lies.feed = [&](Feed& feed) {
    feed.messages.push_back(prefix_of<ShortId>(chain::id_of(message.head)));
  };
  report_of(world.sync(transport));
  EXPECT_EQ(world.ana.height(), 1U);
  EXPECT_EQ(transport.traffic.messages_in, 0U);
}

TEST(SyncPool, OwnMessagesStayWhenTheOtherHasNone) {
  SyncWorld world;
  const auto message = world.message("mine");
  world.ana.pool({message});
  report_of(world.sync());
  EXPECT_TRUE(world.ana.has_pooled(message));
  EXPECT_TRUE(world.ben.has_pooled(message));
}

/// A block of four messages at Ana; Ben waits for those of them that he knows.
struct MinedByOne : SyncWorld {
  MinedByOne() {
    for (const char* text : {"a", "b", "c", "d"}) messages.push_back(message(text));
    const Header genesis = builder.genesis();
    block = builder.block(genesis, messages, clock.now());
    ana.take({block});
  }
  std::string puts_when_ben_has(std::size_t known) {
    ben.pool({messages.begin(), messages.begin() + static_cast<std::ptrdiff_t>(known)});
    SimTransport transport(*ben.service);
    EXPECT_EQ(report_of(sync(transport)).pushed_blocks, 1U);
    EXPECT_EQ(ben.tip(), ana.tip());
    EXPECT_EQ(ben.service->block(ben.tip().hash, Bodies::with).value(), block);
    EXPECT_EQ(ben.pool_size(), 0U);
    std::string all;
    for (const std::string& types : transport.traffic.puts) all += types + " ";
    return all;
  }
  std::vector<Message> messages;
  Block block;
};

TEST(SyncPush, SendsShortIdsToWhoHasTheMessages) {
  EXPECT_EQ(MinedByOne().puts_when_ben_has(4), "C ");
}

TEST(SyncPush, SendsTheFewMessagesThatAreMissing) {
  EXPECT_EQ(MinedByOne().puts_when_ben_has(3), "C MC ");
  EXPECT_EQ(MinedByOne().puts_when_ben_has(2), "C MMC ");
}

TEST(SyncPush, SendsTheWholeBlockWhereMostAreMissing) {
  EXPECT_EQ(MinedByOne().puts_when_ben_has(1), "C B ");
  EXPECT_EQ(MinedByOne().puts_when_ben_has(0), "C B ");
}

TEST(SyncPush, SendsTheWholeBlockWhenShortIdsMislead) {
  MinedByOne world;
  world.ben.pool(world.messages);
  SimTransport transport(*world.ben.service);
  bool first = true;
  transport.lies.put = [&](std::vector<PutLine>& lines) {
    if (first) lines.front() = {Verdict::refused, "root", {}};
    first = false;
  };
  report_of(world.sync(transport));
  EXPECT_EQ(transport.traffic.puts, (std::vector<std::string>{"C", "B"}));
}

TEST(SyncPush, GathersBlocksIntoFewRequests) {
  SyncWorld world;
  world.ana.take(world.blocks(160, "old "));
  SimTransport transport(*world.ben.service);
  EXPECT_EQ(report_of(world.sync(transport)).pushed_blocks, 160U);
  EXPECT_LE(transport.traffic.puts.size(), 12U);
}

TEST(SyncPush, PassesEmptyBlocksByTheirHeaders) {
  SyncWorld world;
  world.ana.take(world.builder.blocks(world.builder.genesis(), 16));
  SimTransport transport(*world.ben.service);
  EXPECT_EQ(report_of(world.sync(transport)).pushed_blocks, 16U);
  EXPECT_EQ(transport.traffic.puts, std::vector<std::string>{"CCCCCCCCCCCCCCCC"});
}

TEST(SyncPush, WaitsWhereThePeersClockIsSlow) {
  SyncWorld world;
  FakeClock slow(kEasyGenesisTime + 500);  // The first block is dated 600.
  FakeClock slower(kEasyGenesisTime + 400);
  SimNode near(world.builder, slow, 3);
  SimNode far(world.builder, slower, 4);
  world.ana.take(world.blocks(1, "ahead "));
  for (SimNode* node : {&near, &far}) {
    SimTransport transport(*node->service);
    EXPECT_EQ(report_of(world.sync(transport)).pushed_blocks, node == &near ? 1U : 0U);
  }
}

}  // namespace
}  // namespace bmsg::node
