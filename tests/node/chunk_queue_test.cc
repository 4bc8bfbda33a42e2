#include "lib/node/chunk_queue.h"

#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace bmsg::node {
namespace {

using Numbers = std::vector<std::size_t>;

std::vector<MessageId> ids(std::size_t count) {
  std::vector<MessageId> made;
  for (std::size_t i = 0; i < count; ++i)
    made.push_back(MessageId::filled(static_cast<std::uint8_t>(i)));
  return made;
}

TEST(ChunkQueue, GivesEachPeerFourOfThoseThatItHolds) {
  FakeClock clock;
  ChunkQueue queue(clock, ids(10));
  queue.join(1, std::vector<bool>(10, true));
  EXPECT_EQ(queue.claim(1), (Numbers{0, 1, 2, 3}));
  EXPECT_EQ(queue.claim(1), (Numbers{4, 5, 6, 7}));
  EXPECT_EQ(queue.claim(1), (Numbers{8, 9}));
  EXPECT_EQ(queue.claim(1), Numbers{});
}

TEST(ChunkQueue, TakesFirstWhatTheFewestHold) {
  FakeClock clock;
  ChunkQueue queue(clock, ids(6));
  queue.join(1, {true, true, true, true, true, true});
  queue.join(2, {true, true, false, true, true, false});
  EXPECT_EQ(queue.claim(1), (Numbers{2, 5, 0, 1}));
  EXPECT_EQ(queue.claim(2), (Numbers{3, 4}));
}

TEST(ChunkQueue, GivesToOthersWhatOnePeerFailedToBring) {
  FakeClock clock;
  ChunkQueue queue(clock, ids(2));
  queue.join(1, {true, true});
  queue.join(2, {true, true});
  EXPECT_EQ(queue.claim(1), (Numbers{0, 1}));
  EXPECT_EQ(queue.claim(2), Numbers{});
  queue.note_absent(1, 0);
  EXPECT_EQ(queue.claim(2), Numbers{0});
  queue.leave(1);
  EXPECT_EQ(queue.claim(2), Numbers{1});
  EXPECT_FALSE(queue.is_hopeless(0));
  queue.leave(2);
  EXPECT_TRUE(queue.is_hopeless(0));
}

TEST(ChunkQueue, AsksOthersForWhatAPeerIsSlowWith) {
  FakeClock clock;
  ChunkQueue queue(clock, ids(1));
  queue.join(1, {true});
  queue.join(2, {true});
  EXPECT_EQ(queue.claim(1), Numbers{0});
  clock.advance(4);
  EXPECT_EQ(queue.claim(2), Numbers{});
  clock.advance(1);
  EXPECT_EQ(queue.claim(2), Numbers{0});
  queue.note_arrived(0);
  EXPECT_TRUE(queue.is_arrived(0));
  EXPECT_FALSE(queue.is_needed(1));
  EXPECT_EQ(queue.claim(1), Numbers{});
}

TEST(ChunkQueue, IsHopelessOnlyWhereNobodyHoldsWhatIsMissing) {
  FakeClock clock;
  ChunkQueue queue(clock, ids(2));
  EXPECT_TRUE(queue.is_hopeless(0));
  queue.join(1, {true, false});
  EXPECT_FALSE(queue.is_hopeless(0));
  EXPECT_TRUE(queue.is_hopeless(1));
  queue.note_arrived(0);
  queue.leave(1);
  EXPECT_FALSE(queue.is_hopeless(0));
}

TEST(ChunkQueue, AnAnswerOfAnotherLengthHarmsNobody) {
  FakeClock clock;
  ChunkQueue queue(clock, ids(2));
  queue.join(1, {true, true, true, true});
  queue.join(2, {});
  EXPECT_EQ(queue.claim(1), (Numbers{0, 1}));
  EXPECT_EQ(queue.claim(2), Numbers{});
}

}  // namespace
}  // namespace bmsg::node
