// Pools, and single blocks through the pool of the other side.

#include <algorithm>

#include "lib/chain/message_rules.h"
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

TEST(SyncPool, OffersWhatIsNewSinceALastingCursorWhicheverNodeRuns) {
  SyncWorld world;
  world.ana.pool({world.message("first")});
  const auto first = report_of(world.sync({.lasting = true}));
  EXPECT_EQ(first.pushed_messages, 1U);
  const auto before = report_of(
      world.sync({.cursor = first.cursor, .own_cursor = first.own_cursor, .lasting = true}));
  // Another process, another node, the same store.
  world.ana.restart(world.builder, world.clock, 9);
  SimTransport quiet(*world.ben.service);
  const SyncOptions by_cursor{
      .cursor = before.cursor, .own_cursor = before.own_cursor, .lasting = true};
  report_of(world.sync(quiet, by_cursor));
  EXPECT_TRUE(quiet.traffic.puts.empty());
  world.ana.pool({world.message("second")});
  SimTransport transport(*world.ben.service);
  EXPECT_EQ(report_of(world.sync(transport, by_cursor)).pushed_messages, 1U);
  // A cursor of a node that ran tells nothing of the store: all is offered.
  SimTransport whole(*world.ben.service);
  const std::string of_node = world.ana.service->feed("").value().cursor;
  report_of(world.sync(whole, {.cursor = before.cursor, .own_cursor = of_node, .lasting = true}));
  EXPECT_EQ(whole.traffic.puts, std::vector<std::string>{"I"});
}

/// Messages whose stamps are now better and now worse.
struct Stamped : SyncWorld {
  explicit Stamped(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      Message one = message("stamped " + std::to_string(1'000 + i));
      const MessageId id = chain::id_of(one.head);
      const std::uint64_t wanted = std::uint64_t{1} << i * 7 % 10;
      while (chain::stamp_achieved(id, one.nonce) < wanted) ++one.nonce;
      messages.push_back(std::move(one));
    }
  }
  /// How many of those that have come are among the best of that number.
  static std::size_t best_among(std::vector<Message> all, const SimNode& node) {
    std::ranges::sort(all, std::greater(), [](const Message& one) {
      return chain::stamp_achieved(chain::id_of(one.head), one.nonce);
    });
    all.resize(node.pool_size());
    return static_cast<std::size_t>(
        std::ranges::count_if(all, [&](const Message& one) { return node.has_pooled(one); }));
  }
  std::vector<Message> messages;
};

TEST(SyncPool, GivesTheBestStampsFirstWhereBytesRunOut) {
  Stamped world(160);
  world.ana.pool(world.messages);
  SimTransport transport(*world.ben.service);
  // The list and one request of 64 messages.
  report_of(world.sync(transport, {.bytes_max = 4'000}));
  ASSERT_EQ(world.ben.pool_size(), 64U);
  EXPECT_EQ(Stamped::best_among(world.messages, world.ben), 64U);
}

TEST(SyncPool, TakesTheBestStampsFirstWhereAnswersAreCutShort) {
  Stamped world(40);
  world.ben.pool(world.messages);
  SimTransport transport(*world.ben.service);
  transport.lies.messages = [](std::vector<Message>& messages) { messages.resize(10); };
  transport.cut_after(3);  // Info, feed, one answer.
  EXPECT_FALSE(world.sync(transport));
  ASSERT_EQ(world.ana.pool_size(), 10U);
  EXPECT_EQ(Stamped::best_among(world.messages, world.ana), 10U);
}

TEST(SyncPool, ListsTheBestStampsFirstSinceACursorToo) {
  Stamped world(20);
  const std::string cursor = world.ben.service->feed("").value().cursor;
  world.ben.pool(world.messages);
  EXPECT_EQ(world.ben.service->feed(cursor).value().messages,
            world.ben.service->feed("").value().messages);
}

TEST(SyncPool, CountsWhatAPeerGaveAsItsShare) {
  SyncWorld world;
  const Message theirs = world.message("theirs");
  world.ben.pool({theirs});
  report_of(world.sync());
  const auto pooled = world.ana.store.pooled(chain::id_of(theirs.head)).value();
  ASSERT_TRUE(pooled);
  EXPECT_EQ(pooled->origin, Origin::peer);
  EXPECT_NE(pooled->giver, 0U);
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
