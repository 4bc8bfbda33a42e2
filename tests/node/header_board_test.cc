#include "lib/node/header_board.h"

#include <gtest/gtest.h>

#include "lib/node/block_queue.h"
#include "tests/node/sync_fixture.h"

namespace bmsg::node {
namespace {

using Turn = HeaderBoard::Turn;

/// A chain of ten blocks after block 5, each of work 1.
class Board : public ::testing::Test {
 protected:
  Board() : board(clock) {
    chain.fork = Height{5};
    for (std::uint8_t i = 0; i < 10; ++i) chain.hashes.push_back(hash_of(i));
    chain.work = work(15);
  }
  static BlockHash hash_of(std::uint8_t i) { return BlockHash::filled(i + 1); }
  static Work work(std::uint8_t number) {
    Bytes bytes(Work::kSize);
    bytes.back() = number;
    return Work::from(bytes);
  }
  /// What a peer claims whose tip is that block.
  Tip claim_of(std::uint8_t i) const { return {Height{6U + i}, hash_of(i), work(6 + i), {}}; }
  Turn turn(const int& session, const Tip& claimed) {
    return board.turn(&session, claimed, kHeaderPatienceMax);
  }

  FakeClock clock{kEasyGenesisTime};
  HeaderBoard board;
  StagedChain chain;
  int one = 1;
  int two = 2;
  int three = 3;
};

TEST_F(Board, OneFetchesAndOthersWait) {
  EXPECT_EQ(turn(one, claim_of(9)), Turn::fetch);
  board.begin_request(&one, [] {});
  EXPECT_EQ(turn(two, claim_of(9)), Turn::wait);
  EXPECT_EQ(turn(three, claim_of(4)), Turn::wait);
  EXPECT_FALSE(board.find(claim_of(9)));
  EXPECT_FALSE(board.end_request(&one));
  board.put(&one, chain);
  const auto whole = board.find(claim_of(9));
  ASSERT_TRUE(whole);
  EXPECT_EQ(whole->hashes, chain.hashes);
  EXPECT_EQ(whole->fork, chain.fork);
  EXPECT_EQ(whole->work, chain.work);
}

TEST_F(Board, GivesAChainUpToTheClaim) {
  board.put(&one, chain);
  const auto part = board.find(claim_of(4));
  ASSERT_TRUE(part);
  EXPECT_EQ(part->hashes, std::vector(chain.hashes.begin(), chain.hashes.begin() + 5));
  EXPECT_EQ(part->work, work(10));
}

TEST_F(Board, KnowsNoOtherClaim) {
  board.put(&one, chain);
  Tip other = claim_of(9);
  other.hash = BlockHash::filled(0x77);
  EXPECT_FALSE(board.find(other)) << "another block";
  other = claim_of(9);
  other.work = work(16);
  EXPECT_FALSE(board.find(other)) << "more work than the block has";
  other = claim_of(8);
  other.height = Height{15};
  EXPECT_FALSE(board.find(other)) << "another height";
  other.height = Height{5};
  EXPECT_FALSE(board.find(other)) << "below the fork";
  other.height = Height{16};
  EXPECT_FALSE(board.find(other)) << "past its end";
  EXPECT_TRUE(board.find(claim_of(9)));
  board.forget();
  EXPECT_FALSE(board.find(claim_of(9)));
}

TEST_F(Board, ABetterClaimWaitsForNobody) {
  EXPECT_EQ(turn(one, claim_of(8)), Turn::fetch);
  board.begin_request(&one, [] {});
  EXPECT_EQ(turn(two, claim_of(9)), Turn::fetch);
}

TEST_F(Board, ASlowAnswerIsNotWaitedFor) {
  EXPECT_EQ(turn(one, claim_of(9)), Turn::fetch);
  board.begin_request(&one, [] {});
  clock.advance(1);
  EXPECT_EQ(turn(two, claim_of(9)), Turn::wait);
  clock.advance(1);
  EXPECT_EQ(turn(two, claim_of(9)), Turn::fetch);
  board.begin_request(&two, [] {});
  EXPECT_EQ(turn(three, claim_of(9)), Turn::wait) << "one more is enough";
}

TEST_F(Board, WhoLiedIsNotWaitedFor) {
  EXPECT_EQ(turn(one, claim_of(9)), Turn::fetch);
  board.begin_request(&one, [] {});
  EXPECT_EQ(turn(two, claim_of(9)), Turn::wait);
  board.end(&one);
  EXPECT_EQ(turn(two, claim_of(9)), Turn::fetch);
}

TEST_F(Board, WhoMakesNoRequestIsNotWaitedForLong) {
  EXPECT_EQ(turn(one, claim_of(9)), Turn::fetch);
  int looks = 0;
  while (turn(two, claim_of(9)) == Turn::wait) ASSERT_LT(++looks, 10);
  EXPECT_GT(looks, 0);
}

TEST_F(Board, DropsARequestThatNobodyNeeds) {
  int dropped = 0;
  EXPECT_EQ(turn(one, claim_of(4)), Turn::fetch);
  board.begin_request(&one, [&] { ++dropped; });
  EXPECT_EQ(turn(two, claim_of(9)), Turn::fetch);
  board.begin_request(&two, [&] { dropped += 100; });
  board.end_request(&two);
  board.put(&two, chain);
  EXPECT_EQ(dropped, 1);
  EXPECT_TRUE(board.end_request(&one));
  EXPECT_FALSE(board.end_request(&one));
}

TEST(SharedHeaders, AreAskedOfOnePeerAlone) {
  SyncWorld world;
  SimNode cleo(world.builder, world.clock, 3);
  const auto made = world.blocks(200, "m");
  world.ben.take(made);
  cleo.take({made.begin(), made.begin() + 150});
  BlockQueue queue(world.clock);
  int asked = 0;
  SimTransport wires[] = {SimTransport(*world.ben.service), SimTransport(*cleo.service)};
  std::vector<std::unique_ptr<SyncSession>> sessions;
  for (SimTransport& wire : wires) {
    wire.lies.headers = [&](Height, std::vector<SealedHeader>&) { ++asked; };
    sessions.push_back(std::make_unique<SyncSession>(*world.ana.service, wire,
                                                     world.builder.chain(), world.clock,
                                                     SyncOptions{.queue = &queue}));
    ASSERT_TRUE(sessions.back()->step());  // Both say who they are first.
  }
  for (bool more = true; more;) {
    more = false;
    for (const auto& session : sessions) {
      const auto stepped = session->step();
      ASSERT_TRUE(stepped) << stepped.error().message;
      more = more || stepped.value();
    }
  }
  EXPECT_EQ(world.ana.tip(), world.ben.tip());
  // The second of them pushes in the end what its peer lacks, and finds the fork without headers.
  EXPECT_EQ(asked, 1);
  EXPECT_GT(wires[1].traffic.blocks_in, 0U) << "it gives blocks all the same";
}

TEST(SharedHeaders, OfALiarAreAskedOfAnother) {
  SyncWorld world;
  SimNode cleo(world.builder, world.clock, 3);
  const auto made = world.blocks(50, "m");
  world.ben.take(made);
  cleo.take(made);
  BlockQueue queue(world.clock);
  SimTransport to_liar(*world.ben.service);
  SimTransport to_cleo(*cleo.service);
  to_liar.lies.headers = [](Height, std::vector<SealedHeader>& headers) {
    headers[7].header.root = MerkleRoot::filled(1);
  };
  const SyncOptions options{.queue = &queue};
  SyncSession liar(*world.ana.service, to_liar, world.builder.chain(), world.clock, options);
  SyncSession honest(*world.ana.service, to_cleo, world.builder.chain(), world.clock, options);
  ASSERT_TRUE(liar.step());
  ASSERT_TRUE(honest.step());
  EXPECT_FALSE(liar.step());
  report_of(run(honest));
  EXPECT_EQ(world.ana.tip(), cleo.tip());
}

}  // namespace
}  // namespace bmsg::node
