#include "lib/mail/reading_order.h"

#include <gtest/gtest.h>

namespace bmsg::mail {
namespace {

using Order = std::vector<std::size_t>;

MessageId id(std::uint32_t number) {
  MessageId made;
  made.data()[0] = static_cast<std::uint8_t>(number >> 8);
  made.data()[1] = static_cast<std::uint8_t>(number);
  return made;
}

Placed placed(std::uint32_t number, std::uint32_t time, std::uint64_t seq) {
  return {.id = id(number), .time = time, .seq = seq, .prev = {}, .re = {}};
}

TEST(ReadingOrder, IsByTimeThenByNumberThenAsGiven) {
  EXPECT_EQ(reading_order({}), Order{});
  EXPECT_EQ(reading_order({placed(1, 60, 2), placed(2, 60, 1), placed(3, 0, 9)}), (Order{2, 1, 0}));
  EXPECT_EQ(reading_order({placed(1, 60, 1), placed(2, 60, 1)}), (Order{0, 1}));
}

TEST(ReadingOrder, PutsAnAnswerAfterItsQuestionWhateverTheirNumbers) {
  Placed answer = placed(1, 60, 1);
  answer.re = {id(2)};
  EXPECT_EQ(reading_order({answer, placed(2, 60, 5)}), (Order{1, 0}));
}

TEST(ReadingOrder, PutsAMessageAfterTheOneBeforeIt) {
  Placed second = placed(1, 60, 0);
  second.prev = prefix_of<IdPrefix>(id(2));
  EXPECT_EQ(reading_order({second, placed(2, 60, 5)}), (Order{1, 0}));
}

TEST(ReadingOrder, LetsTimeDecideBetweenMinutes) {
  Placed early = placed(1, 0, 1);
  early.re = {id(2)};
  EXPECT_EQ(reading_order({placed(2, 60, 1), early}), (Order{1, 0}));
}

TEST(ReadingOrder, EndsForMessagesThatNameEachOther) {
  Placed one = placed(1, 60, 1);
  Placed two = placed(2, 60, 2);
  one.re = {id(2), id(1)};
  two.re = {id(1)};
  EXPECT_EQ(reading_order({one, two}).size(), 2u);
}

TEST(ReadingOrder, FollowsALongWayBackWithoutDeepCalls) {
  std::vector<Placed> messages;
  constexpr std::uint32_t kCount = 60'000;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    messages.push_back(placed(i, 60, i));
    messages.back().prev = prefix_of<IdPrefix>(id(i + 1));
  }
  const Order order = reading_order(messages);
  ASSERT_EQ(order.size(), kCount);
  EXPECT_EQ(order.front(), kCount - 1);
  EXPECT_EQ(order.back(), 0u);
}

}  // namespace
}  // namespace bmsg::mail
