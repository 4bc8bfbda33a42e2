#include "lib/mail/chain_walk.h"

#include <gtest/gtest.h>

#include "tests/mail/support.h"
#include "tests/mail/test_chain.h"

namespace bmsg::mail {
namespace {

class WalkTest : public testing::Test {
 protected:
  /// Walks on from the last place and gives the numbers of the messages seen.
  std::vector<std::uint64_t> step(WalkLimits limits = {}, WalkOf of = WalkOf::all) {
    std::vector<std::uint64_t> seen;
    walked = walk(
                 chain.store(), place, limits,
                 [&](const MessageId& id, const Message& message) -> Result<Done> {
                   EXPECT_EQ(id, chain::id_of(message.head));
                   EXPECT_TRUE(message.body);
                   seen.push_back(message.nonce);
                   return done;
                 },
                 of)
                 .value();
    place = walked.place;
    return seen;
  }
  static Message message(std::uint64_t number) {
    Message made = sealed_to({recipient(1, 2)}, "a", number);
    made.nonce = number;
    return made;
  }

  static Message open_message(std::uint64_t number) {
    Message made = message(number);
    made.head.suite = Suite::open;
    return made;
  }

  TestChain chain{std::string(golden::kGenesisText)};
  std::optional<WalkPlace> place;
  Walked walked;
};

using Seen = std::vector<std::uint64_t>;

TEST_F(WalkTest, SeesBlocksThenThePoolAndEachOnce) {
  chain.append({message(1), message(2)});
  chain.append();
  chain.append({message(3)});
  chain.pool(message(4));
  EXPECT_EQ(step(), (Seen{1, 2, 3, 4}));
  EXPECT_EQ(step(), Seen{});
  chain.pool(message(5));
  EXPECT_EQ(step(), Seen{5});
  EXPECT_EQ(place->height, Height{3});
}

TEST_F(WalkTest, SeesAPooledMessageAgainInItsBlock) {
  chain.pool(message(1));
  EXPECT_EQ(step(), Seen{1});
  chain.append({message(1)});
  EXPECT_EQ(step(), Seen{1});
}

TEST_F(WalkTest, SeesWhatAnybodyCanReadWhereverItStands) {
  const auto of_all_that_is_open = [this](const std::optional<WalkPlace>& from) {
    std::vector<std::uint64_t> seen;
    const auto visit = [&](const MessageId&, const Message& message) -> Result<Done> {
      if (message.head.suite == Suite::open) seen.push_back(message.nonce);
      return done;
    };
    EXPECT_TRUE(walk(chain.store(), from, {}, visit));
    return seen;
  };
  chain.append({message(1), open_message(2), message(3), open_message(4)});
  chain.append({message(5)});
  chain.append();
  chain.append({open_message(6)});
  chain.pool(open_message(7));
  chain.pool(message(8));
  EXPECT_EQ(of_all_that_is_open({}), (Seen{2, 4, 6, 7}));
  EXPECT_EQ(step({}, WalkOf::open), (Seen{2, 4, 6, 7}));
  EXPECT_EQ(place->height, Height{4});
  const auto before = place;
  chain.reorganise(2, {{message(9)}, {message(10), open_message(11)}, {message(12)}});
  EXPECT_EQ(of_all_that_is_open(before), step({}, WalkOf::open));
  EXPECT_EQ(walked.rewound, 2u);
  EXPECT_EQ(place->height, Height{5});
}

TEST_F(WalkTest, StopsAfterSoManyBlocksAndGoesOn) {
  for (std::uint64_t i = 1; i <= 5; ++i) chain.append({message(i)});
  chain.pool(message(6));
  EXPECT_EQ(step({.blocks = 2}), (Seen{1, 2}));
  EXPECT_TRUE(walked.more);
  EXPECT_EQ(step({.blocks = 2}), (Seen{3, 4}));
  EXPECT_TRUE(walked.more);
  EXPECT_EQ(step({.blocks = 2}), (Seen{5, 6}));
  EXPECT_FALSE(walked.more);
}

TEST_F(WalkTest, StopsAfterSoManyBytesButTakesABlockAtLeast) {
  for (std::uint64_t i = 1; i <= 3; ++i) chain.append({message(i)});
  const std::size_t one = message(1).head.encoded_bytes();
  EXPECT_EQ(step({.bytes = 1}), Seen{1});
  EXPECT_TRUE(walked.more);
  EXPECT_EQ(step({.bytes = 2 * one}), (Seen{2, 3}));
}

TEST_F(WalkTest, GoesBackToTheForkAndNoFurther) {
  chain.append({message(1)});
  chain.append({message(2)});
  chain.append({message(3)});
  EXPECT_EQ(step(), (Seen{1, 2, 3}));
  chain.reorganise(2, {{message(4)}, {message(5)}, {message(6)}});
  EXPECT_EQ(step(), (Seen{4, 5, 6}));
  EXPECT_EQ(walked.rewound, 2u);
}

TEST_F(WalkTest, GoesBackWhenTheNewBranchIsShorter) {
  chain.append({message(1)});
  chain.append();
  chain.append();
  (void)step();
  chain.reorganise(3, {{message(2)}});
  EXPECT_EQ(step(), Seen{2});
  EXPECT_EQ(place->height, Height{1});
}

TEST_F(WalkTest, BeginsAgainWhenItsBranchIsForgotten) {
  chain.append({message(1)});
  chain.append({message(2)});
  (void)step();
  const BlockHash left = place->hash;
  chain.reorganise(1, {{message(3)}, {}});
  chain.forget(left);
  EXPECT_EQ(step(), (Seen{1, 3}));
}

TEST_F(WalkTest, EndsWithTheVisitorsError) {
  chain.append({message(1)});
  const auto failed =
      walk(chain.store(), std::nullopt, {}, [](const MessageId&, const Message&) -> Result<Done> {
        return Error{Errc::io, "full"};
      });
  EXPECT_EQ(failed.error().code, Errc::io);
}

}  // namespace
}  // namespace bmsg::mail
