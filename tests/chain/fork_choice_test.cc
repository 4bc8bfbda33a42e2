// Which chain wins does not depend on which came first.

#include "lib/chain/fork_choice.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/seed.h"

namespace bmsg::chain {
namespace {

Contender contender(std::uint8_t work, std::uint8_t hash) {
  Contender made{Work(), BlockHash::filled(hash)};
  made.work.data()[31] = work;
  return made;
}

TEST(ForkChoice, MoreWorkWins) {
  EXPECT_TRUE(is_better(contender(2, 9), contender(1, 1)));
  EXPECT_FALSE(is_better(contender(1, 1), contender(2, 9)));
}

TEST(ForkChoice, SmallerHashWinsAtTheSameWork) {
  EXPECT_TRUE(is_better(contender(1, 1), contender(1, 2)));
  EXPECT_FALSE(is_better(contender(1, 2), contender(1, 1)));
}

TEST(ForkChoice, NothingIsBetterThanItself) {
  EXPECT_FALSE(is_better(contender(1, 1), contender(1, 1)));
}

TEST(ForkChoice, AnyOrderHasTheSameWinner) {
  auto numbers = seeded_numbers();
  std::vector<Contender> all;
  for (std::uint8_t i = 0; i < 40; ++i) {
    all.push_back(contender(static_cast<std::uint8_t>(number_up_to(numbers, 3)), i));
  }
  const auto winner = [&all] {
    Contender best = all.front();
    for (const Contender& next : all) {
      if (is_better(next, best)) best = next;
    }
    return best.hash;
  };
  const BlockHash first = winner();
  for (int round = 0; round < 100; ++round) {
    std::ranges::shuffle(all, numbers);
    EXPECT_EQ(winner(), first);
  }
}

}  // namespace
}  // namespace bmsg::chain
