#include "lib/node/block_queue.h"

#include <gtest/gtest.h>

#include <thread>

#include "lib/core/limits.h"
#include "tests/node/sync_fixture.h"

namespace bmsg {
namespace {

constexpr std::size_t kRun = kBlocksPerRequest;

/// A chain of 100 blocks after block 9, as two sessions want it.
class Queue : public ::testing::Test {
 protected:
  Queue() : queue(clock) {
    chain.fork = Height{9};
    for (std::size_t i = 0; i < 100; ++i) {
      Bytes hash(BlockHash::kSize, static_cast<std::uint8_t>(i));
      chain.hashes.push_back(BlockHash::from(hash));
    }
  }

  std::pair<std::size_t, std::size_t> claim(const int& session, std::size_t next = 0) {
    const auto order = queue.claim(&session, chain, next);
    return order ? std::pair(order->begin, order->count) : std::pair<std::size_t, std::size_t>();
  }
  static Block some_block() {
    ChainBuilder builder(easy_rules_text());
    return builder.blocks(builder.genesis(), 1)[0];
  }
  using Run = std::pair<std::size_t, std::size_t>;

  FakeClock clock{kEasyGenesisTime};
  node::BlockQueue queue;
  node::StagedChain chain;
  int one = 1;
  int two = 2;
};

TEST_F(Queue, GivesEachSessionAnotherRunUpToTheWindow) {
  EXPECT_EQ(claim(one), Run(0, 6));  // Heights 10 to 15: to the end of an aligned range.
  EXPECT_EQ(claim(two), Run(6, kRun));
  EXPECT_EQ(claim(two, 22), Run(22, kRun)) << "what it has been given is its own";
  EXPECT_EQ(claim(two, 38), Run(38, kRun));
  EXPECT_EQ(claim(two, 54), Run(54, kRun));
  chain.hashes.resize(60);
  EXPECT_EQ(claim(one, 54), Run(0, 0));
}

TEST_F(Queue, GivesNoMoreThanIsAskedForAndKeepsToPartsOfARange) {
  EXPECT_EQ(queue.claim(&one, chain, 0, 4)->count, 2U) << "heights 10 and 11";
  const auto next = queue.claim(&two, chain, 0, 4);
  EXPECT_EQ(Run(next->begin, next->count), Run(2, 4));
}

TEST_F(Queue, TakesBackWhatIsNotStoredAfterAll) {
  const Block block = some_block();
  const BlockHash hash = chain::hash_of(block.header);
  queue.deliver(&one, {block});
  queue.put_back({*queue.take(hash)});
  EXPECT_EQ(queue.take(hash)->from, &one);
}

TEST_F(Queue, LooksNoFurtherThanTheWindow) {
  std::size_t given = 0;
  std::size_t last = 0;
  for (std::size_t next = 0; next < node::kBlockWindow;) {
    const auto [begin, count] = claim(two, next);
    ASSERT_GT(count, 0U);
    given += count;
    last = next = begin + count;
  }
  EXPECT_EQ(claim(one), Run(0, 0)) << "all of the window is being fetched";
  EXPECT_GE(last, node::kBlockWindow);
  EXPECT_EQ(claim(one, 100), Run(0, 0));
}

TEST_F(Queue, LetsOthersFetchWhatASlowPeerWasAskedFor) {
  claim(one);
  clock.advance(node::kFetchPatience.count() - 1);
  EXPECT_EQ(claim(two).first, 6U);
  queue.leave(&two);
  clock.advance(1);
  EXPECT_EQ(claim(two), Run(0, 6));
}

TEST_F(Queue, FreesWhatASessionLeaves) {
  claim(one);
  queue.leave(&one);
  EXPECT_EQ(claim(two), Run(0, 6));
}

TEST_F(Queue, IsNotAskedAgainForWhatIsStored) {
  for (std::size_t i = 0; i < 6; ++i) queue.note_stored(chain.hashes[i]);
  EXPECT_TRUE(queue.is_stored(chain.hashes[5]));
  EXPECT_FALSE(queue.is_stored(chain.hashes[6]));
  EXPECT_EQ(claim(one), Run(6, kRun));
}

TEST_F(Queue, DropsARequestWhoseBlocksAreAllStored) {
  int dropped = 0;
  const auto order = queue.claim(&one, chain, 0);
  ASSERT_TRUE(order);
  queue.begin_request(&one, chain, *order, [&] { ++dropped; });
  for (std::size_t i = 1; i < order->count; ++i) queue.note_stored(chain.hashes[i]);
  EXPECT_EQ(dropped, 0) << "one is still needed";
  queue.note_stored(chain.hashes[0]);
  EXPECT_EQ(dropped, 1);
  queue.note_stored(chain.hashes[20]);
  EXPECT_EQ(dropped, 1);
  EXPECT_TRUE(queue.end_request(&one));
  EXPECT_FALSE(queue.end_request(&one));
}

TEST_F(Queue, LeavesThingsToOthersAfterADroppedRequest) {
  const auto order = queue.claim(&one, chain, 0);
  ASSERT_TRUE(order);
  ASSERT_EQ(claim(two).first, 6U);
  queue.begin_request(&one, chain, *order, [] {});
  for (std::size_t i = 0; i < order->count; ++i) queue.note_stored(chain.hashes[i]);
  ASSERT_TRUE(queue.end_request(&one));
  queue.leave(&one);
  EXPECT_EQ(claim(one, 6), Run(0, 0)) << "the other is there";
  clock.advance(node::kFetchPatience.count());
  EXPECT_EQ(claim(one, 6), Run(6, kRun)) << "and fails to fetch this";
  queue.leave(&one);
  queue.end(&two);
  EXPECT_EQ(claim(one, 22), Run(22, kRun)) << "nobody else is there any more";
}

TEST_F(Queue, LeavesNothingForeverToOneThatWantsOtherBlocks) {
  const auto order = queue.claim(&one, chain, 0);
  ASSERT_TRUE(order);
  node::StagedChain other;
  for (std::size_t i = 0; i < 10; ++i) {
    Bytes hash(BlockHash::kSize, static_cast<std::uint8_t>(200 + i));
    other.hashes.push_back(BlockHash::from(hash));
  }
  ASSERT_TRUE(queue.claim(&two, other, 0));
  queue.begin_request(&one, chain, *order, [] {});
  for (std::size_t i = 0; i < order->count; ++i) queue.note_stored(chain.hashes[i]);
  ASSERT_TRUE(queue.end_request(&one));
  queue.leave(&one);
  EXPECT_EQ(claim(one, 6), Run(0, 0));
  clock.advance(node::kFetchPatience.count() - 1);
  EXPECT_EQ(claim(one, 6), Run(0, 0));
  clock.advance(1);
  EXPECT_EQ(claim(one, 6), Run(6, kRun)) << "nobody else fetches it";
  queue.deliver(&one, {});
  for (std::size_t i = 6; i < 22; ++i) queue.note_stored(chain.hashes[i]);
  EXPECT_EQ(claim(one, 22), Run(0, 0)) << "it is the slower one as before";
  clock.advance(node::kFetchPatience.count());
  EXPECT_EQ(claim(one, 22), Run(22, kRun));
}

TEST_F(Queue, TakesOverSoonerWhereAnswersAreFaster) {
  claim(one);
  ASSERT_EQ(claim(two).first, 6U);
  queue.deliver(&two, {});  // At once.
  queue.note_stored(chain.hashes[99]);
  EXPECT_EQ(claim(two).first, 6U);
  queue.leave(&two);
  clock.advance(1);
  EXPECT_EQ(claim(two), Run(0, 6)) << "before all of the patience is over";
}

TEST_F(Queue, WaitsByThePaceOfTheOthersAndTwiceAsLongForASecond) {
  const int three = 3;
  ASSERT_EQ(claim(two).first, 0U);
  ASSERT_EQ(claim(three).first, 6U);
  clock.advance(1);
  queue.deliver(&two, {});
  queue.deliver(&three, {});
  for (std::size_t i = 6; i < chain.hashes.size(); ++i) queue.note_stored(chain.hashes[i]);
  ASSERT_EQ(claim(one), Run(0, 6));
  clock.advance(2);
  EXPECT_EQ(claim(two), Run(0, 0));
  clock.advance(1);
  EXPECT_EQ(claim(two), Run(0, 6)) << "three times what answers take";
  clock.advance(5);
  EXPECT_EQ(claim(three), Run(0, 0)) << "two are asked for it";
  clock.advance(1);
  EXPECT_EQ(claim(three), Run(0, 6));
}

TEST_F(Queue, GivesWhatIsRefusedToOthersAtOnce) {
  const Block block = some_block();
  chain.hashes = {chain::hash_of(block.header)};
  claim(one);
  queue.deliver(&one, {block});
  ASSERT_TRUE(queue.take(chain.hashes[0]));
  ASSERT_EQ(claim(two), Run(0, 0));
  queue.note_refused(chain.hashes[0]);
  EXPECT_EQ(claim(two), Run(0, 1));
}

TEST_F(Queue, DropsNoRequestThatIsOver) {
  int dropped = 0;
  const auto order = queue.claim(&one, chain, 0);
  ASSERT_TRUE(order);
  queue.begin_request(&one, chain, *order, [&] { ++dropped; });
  EXPECT_FALSE(queue.end_request(&one));
  for (std::size_t i = 0; i < order->count; ++i) queue.note_stored(chain.hashes[i]);
  EXPECT_EQ(dropped, 0);
}

TEST_F(Queue, RemembersSoManyStoredBlocks) {
  const auto hash = [](std::size_t number) {
    Bytes bytes(BlockHash::kSize);
    bytes[0] = static_cast<std::uint8_t>(number);
    bytes[1] = static_cast<std::uint8_t>(number >> 8);
    return BlockHash::from(bytes);
  };
  for (std::size_t i = 0; i < node::kStoredRemembered; ++i) queue.note_stored(hash(i));
  EXPECT_TRUE(queue.is_stored(hash(0)));
  EXPECT_EQ(queue.forgotten(), 0U);
  queue.note_stored(hash(node::kStoredRemembered));
  EXPECT_FALSE(queue.is_stored(hash(0)));
  EXPECT_TRUE(queue.is_stored(hash(1)));
  EXPECT_EQ(queue.forgotten(), 1U);
}

TEST_F(Queue, IsNotAskedAgainForWhatIsBeingStored) {
  const Block block = some_block();
  chain.hashes = {chain::hash_of(block.header)};
  claim(one);
  queue.deliver(&one, {block});
  ASSERT_TRUE(queue.take(chain.hashes[0]));
  EXPECT_EQ(claim(one), Run(0, 0));
  EXPECT_EQ(claim(two), Run(0, 0));
  clock.advance(node::kFetchPatience.count());  // Whoever was to store it did not.
  EXPECT_EQ(claim(two), Run(0, 1));
}

TEST_F(Queue, BlamesNobodyWhoComesToHaveTheAddressOfALiar) {
  const Block block = some_block();
  queue.deliver(&one, {block});
  queue.blame(&one, Error{Errc::protocol, "lies"});
  EXPECT_TRUE(queue.blamed(&one));
  EXPECT_FALSE(queue.blamed(&two));
  EXPECT_FALSE(queue.take(chain::hash_of(block.header))) << "what a liar gave is gone";
  queue.end(&one);
  EXPECT_FALSE(queue.blamed(&one));
  queue.deliver(&one, {block});
  queue.end(&one);
  const auto left = queue.take(chain::hash_of(block.header));
  ASSERT_TRUE(left) << "what one gave that went in peace is still good";
  EXPECT_EQ(left->from, nullptr);
}

/// Ana, and two peers with the same chain of 200 blocks.
class TwoPeers : public ::testing::Test {
 protected:
  TwoPeers()
      : queue(world.clock), cleo(world.builder, world.clock, 3), made(world.blocks(200, "m")) {
    world.ben.take(made);
    cleo.take(made);
  }

  node::SyncOptions options() { return {.queue = &queue}; }
  node::SyncSession session(SimTransport& peer) {
    return node::SyncSession(*world.ana.service, peer, world.builder.chain(), world.clock,
                             options());
  }

  SyncWorld world;
  node::BlockQueue queue;
  SimNode cleo;
  std::vector<Block> made;
  SimTransport to_ben{*world.ben.service};
  SimTransport to_cleo{*cleo.service};
};

TEST_F(TwoPeers, ShareTheBlocksAndSendNoneTwice) {
  auto first = session(to_ben);
  auto second = session(to_cleo);
  bool more = true;
  while (more) {
    const auto a = first.step();
    const auto b = second.step();
    ASSERT_TRUE(a && b);
    more = a.value() || b.value();
  }
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
  EXPECT_EQ(to_ben.traffic.blocks_in + to_cleo.traffic.blocks_in, made.size());
  EXPECT_GT(to_ben.traffic.blocks_in, made.size() / 4);
  EXPECT_GT(to_cleo.traffic.blocks_in, made.size() / 4);
  EXPECT_EQ(first.report().pulled_blocks + second.report().pulled_blocks, made.size());
}

TEST_F(TwoPeers, AreAskedByTwoThreads) {
  const auto run = [&](SimTransport& peer) {
    return node::sync_with(*world.ana.service, peer, world.builder.chain(), world.clock, options());
  };
  std::optional<Result<node::SyncReport>> other;
  std::thread beside([&] { other = run(to_cleo); });
  const auto report = run(to_ben);
  beside.join();
  ASSERT_TRUE(report && *other);
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
  EXPECT_EQ(report.value().pulled_blocks + other->value().pulled_blocks, made.size());
}

TEST_F(TwoPeers, AreNotHeldUpByOneThatDoesNotAnswer) {
  auto slow = session(to_cleo);
  while (to_cleo.traffic.blocks_in == 0) ASSERT_TRUE(slow.step());
  // It has claims now and takes no further step.
  auto fast = session(to_ben);
  std::size_t steps = 0;
  for (;;) {
    const auto more = fast.step();
    ASSERT_TRUE(more) << more.error().message;
    if (!more.value()) break;
    ASSERT_LT(++steps, 1'000U);
    world.clock.advance(1);
  }
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
}

TEST_F(TwoPeers, AreNotWaitedForWhereTheOtherGaveAll) {
  auto fast = session(to_ben);
  auto slow = session(to_cleo);
  bool was_asked = false;
  // While its first answer is on its way, the other gives all there is, and the answer is lost.
  to_cleo.lies.blocks = [&](Height, std::vector<Block>&) {
    was_asked = true;
    world.clock.advance(node::kFetchPatience.count());
    for (std::size_t steps = 0; world.ana.height() < made.size(); ++steps) {
      ASSERT_LT(steps, 1'000U);
      ASSERT_TRUE(fast.step());
    }
    to_cleo.silence(false, true);
  };
  while (!was_asked) {
    const auto stepped = slow.step();
    ASSERT_TRUE(stepped) << "a request that nobody needs cannot fail: " << stepped.error().message;
  }
  to_cleo.lies.blocks = nullptr;
  to_cleo.silence(false, false);
  for (;;) {
    const auto more = slow.step();
    ASSERT_TRUE(more) << more.error().message;
    if (!more.value()) break;
  }
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
  EXPECT_EQ(slow.report().pulled_blocks, 0U);
  EXPECT_LE(to_cleo.traffic.blocks_in, kRun) << "it is asked for nothing more";
}

TEST_F(TwoPeers, AreNotWaitedForOnceTheirBlocksAreHere) {
  SimNode light(world.builder, world.clock, 4, kAnyReorg, node::Keeps::heads);
  node::SyncSession session(*light.service, to_ben, world.builder.chain(), world.clock, options());
  const int slow = 0;
  node::StagedChain chain;
  for (const int name : {1, 2}) {
    Bytes hash(BlockHash::kSize, static_cast<std::uint8_t>(name));
    chain.hashes.push_back(BlockHash::from(hash));
  }
  while (light.height() == 0) ASSERT_TRUE(session.step());
  queue.begin_request(&slow, chain, {.begin = 0, .count = 1}, [] {});
  queue.note_stored(chain.hashes[0]);
  ASSERT_TRUE(queue.end_request(&slow));
  ASSERT_FALSE(queue.claim(&slow, chain, 1)) << "the other is faster";
  while (light.tip() != world.ben.tip()) ASSERT_TRUE(session.step());
  EXPECT_TRUE(queue.claim(&slow, chain, 1)) << "the other fetches bodies and no blocks";
  ASSERT_FALSE(light.service->wanted_bodies().value().empty()) << "it was over before";
}

TEST_F(TwoPeers, AreBlamedEachForItsOwnBytes) {
  to_cleo.lies.blocks = [](Height, std::vector<Block>& blocks) {
    for (Block& block : blocks) block.messages[0].body->back() ^= 1;
  };
  auto honest = session(to_ben);
  auto liar = session(to_cleo);
  std::optional<Error> caught;
  bool more = true;
  while (more) {
    if (!caught) {
      const auto stepped = liar.step();
      if (!stepped) caught = stepped.error();
    }
    const auto stepped = honest.step();
    ASSERT_TRUE(stepped) << stepped.error().message;
    more = stepped.value();
    world.clock.advance(1);
  }
  EXPECT_GT(to_cleo.traffic.blocks_in, 0U) << "it did not lie";
  ASSERT_TRUE(caught);
  EXPECT_EQ(caught->code, Errc::protocol);
  EXPECT_NE(caught->message.find("body"), std::string::npos) << caught->message;
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
}

}  // namespace
}  // namespace bmsg
