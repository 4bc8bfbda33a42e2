#include "lib/mail/card_directory.h"

#include <gtest/gtest.h>

#include "lib/core/address.h"
#include "tests/mail/support.h"
#include "tests/mail/test_chain.h"
#include "tests/support/fault_disk.h"
#include "tests/support/temp_dir.h"

namespace bmsg::mail {
namespace {

struct Wanted {
  std::uint64_t seq = 1;
  std::uint8_t key = 0xb0;
  std::uint8_t device = 0;
  std::uint8_t owner = 2;
};

Message card_message(const Wanted& wanted) {
  const CardDraft draft{.name = {},
                        .device = wanted.device,
                        .seq = wanted.seq,
                        .prekey = Prekey::from(prekey(wanted.key)),
                        .inbox = {},
                        .time = golden::kMessageTime};
  return std::move(make_card(example_chain(), draft, secret(wanted.owner)).value()).with_nonce(0);
}

Card card(const Wanted& wanted) {
  return read_card(card_message(wanted), example_chain().id).value();
}

class Cards : public testing::Test {
 protected:
  std::vector<std::uint64_t> numbers(std::uint8_t owner = 2) const {
    std::vector<std::uint64_t> found;
    for (const Card& one : cards.cards_of(identity(owner)).value().cards) found.push_back(one.seq);
    return found;
  }
  std::filesystem::path file(std::string_view suffix = "") const {
    return directory / (to_address(identity(2)) + ".0" + std::string(suffix));
  }

  using Numbers = std::vector<std::uint64_t>;
  TempDir temp;
  SystemDisk good;
  FaultDisk disk{good};
  std::filesystem::path directory = temp.path() / "cards";
  CardDirectory cards{disk, directory, example_chain().id};
  TestChain chain{std::string(golden::kGenesisText)};
};

TEST_F(Cards, KeepTheNewestOfEachDevice) {
  EXPECT_EQ(cards.put(card({.seq = 2})).value(), CardOrder::newer);
  EXPECT_EQ(cards.put(card({.seq = 1, .key = 0xb1})).value(), CardOrder::older);
  EXPECT_EQ(cards.put(card({.seq = 2})).value(), CardOrder::same);
  EXPECT_EQ(cards.put(card({.seq = 5, .key = 0xb2, .device = 200})).value(), CardOrder::newer);
  EXPECT_EQ(numbers(), (Numbers{2, 5}));
  EXPECT_EQ(numbers(3), Numbers{});
}

TEST_F(Cards, AreFoundAmongMoreNamesThanAreListed) {
  (void)cards.put(card({.seq = 2}));
  (void)cards.put(card({.seq = 5, .key = 0xb2, .device = 254}));
  EXPECT_EQ(numbers(), (Numbers{2, 5}));
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(good.create(directory / ("a stranger's " + std::to_string(i)), {}));
  }
  EXPECT_EQ(numbers(), (Numbers{2, 5}));
  EXPECT_EQ(numbers(3), Numbers{});
}

TEST_F(Cards, NoteAConflictUntilAHigherNumberOrAChoice) {
  (void)cards.put(card({.seq = 2}));
  EXPECT_EQ(cards.put(card({.seq = 2, .key = 0xb1})).value(), CardOrder::conflict);
  EXPECT_TRUE(cards.cards_of(identity(2)).value().conflict);
  EXPECT_EQ(cards.put(card({.seq = 3, .key = 0xb2})).value(), CardOrder::newer);
  EXPECT_FALSE(cards.cards_of(identity(2)).value().conflict);

  (void)cards.put(card({.seq = 3, .key = 0xb3}));
  EXPECT_TRUE(cards.settle(card({.seq = 3, .key = 0xb3})));
  const NewestCards settled = cards.cards_of(identity(2)).value();
  EXPECT_FALSE(settled.conflict);
  EXPECT_EQ(to_bytes(settled.cards[0].prekey.view()), prekey(0xb3));
}

TEST_F(Cards, TakeADamagedFileForNone) {
  (void)cards.put(card({}));
  for (const Bytes& bad : {Bytes(), filled(0, 300), filled(0, 70'000)}) {
    ASSERT_TRUE(good.replace(file(), bad));
    EXPECT_EQ(numbers(), Numbers{});
  }
  EXPECT_EQ(cards.put(card({})).value(), CardOrder::newer);
  EXPECT_EQ(numbers(), Numbers{1});
}

TEST_F(Cards, TakeNoCardUnderAnothersName) {
  (void)cards.put(card({.owner = 3}));
  const auto foreign = directory / (to_address(identity(3)) + ".0");
  ASSERT_TRUE(good.rename(foreign, file()));
  EXPECT_EQ(numbers(), Numbers{});
}

TEST_F(Cards, AreKeptWithARivalOfTheSameNumberOnly) {
  const auto kept = [&](std::uint8_t device) {
    Numbers found;
    for (const Card& one : cards.kept(identity(2), device).value()) found.push_back(one.seq);
    return found;
  };
  EXPECT_EQ(kept(7), Numbers{});
  ASSERT_TRUE(cards.put(card({.seq = 1, .device = 7})));
  EXPECT_EQ(kept(7), Numbers{1});
  ASSERT_TRUE(cards.put(card({.seq = 1, .key = 0xb1, .device = 7})));
  EXPECT_EQ(kept(7), (Numbers{1, 1}));
  ASSERT_TRUE(cards.put(card({.seq = 2, .key = 0xb1, .device = 7})));
  EXPECT_EQ(kept(7), Numbers{2});
  EXPECT_EQ(kept(0), Numbers{});
}

TEST_F(Cards, AreCollectedFromChainAndPool) {
  chain.append({card_message({.seq = 1}), sealed_to({recipient(1, 2)}, "no card")});
  chain.pool(card_message({.seq = 2, .key = 0xb1}));
  chain.pool(card_message({.key = 0xc0, .owner = 3}));
  EXPECT_EQ(cards.collect(chain.store()).value().cards, 3u);
  EXPECT_EQ(numbers(), Numbers{2});
  EXPECT_EQ(numbers(3), Numbers{1});
}

TEST_F(Cards, AreNotCollectedTwice) {
  chain.append({card_message({.seq = 1})});
  EXPECT_EQ(cards.collect(chain.store()).value().cards, 1u);
  ASSERT_TRUE(good.remove(file()));
  EXPECT_EQ(cards.collect(chain.store()).value().cards, 0u) << "walked the same block again";
}

TEST_F(Cards, AreCollectedInBatches) {
  for (std::uint64_t i = 1; i <= 3; ++i) chain.append({card_message({.seq = i})});
  EXPECT_TRUE(cards.collect(chain.store(), {.blocks = 2}).value().more);
  EXPECT_EQ(numbers(), Numbers{2});
  EXPECT_FALSE(cards.collect(chain.store(), {.blocks = 2}).value().more);
  EXPECT_EQ(numbers(), Numbers{3});
}

TEST_F(Cards, StayWhenTheirBlockIsReplaced) {
  chain.append({card_message({.seq = 2})});
  (void)cards.collect(chain.store());
  chain.reorganise(1, {{card_message({.seq = 1, .key = 0xb1})}, {}});
  EXPECT_EQ(cards.collect(chain.store()).value().cards, 0u);
  EXPECT_EQ(numbers(), Numbers{2}) << "a reorganisation rolled a key back";
}

TEST_F(Cards, AreCollectedAgainAfterTheirDirectoryWasThrownAway) {
  chain.append({card_message({})});
  (void)cards.collect(chain.store());
  std::filesystem::remove_all(directory);
  EXPECT_EQ(cards.collect(chain.store()).value().cards, 1u);
  EXPECT_EQ(numbers(), Numbers{1});
}

TEST_F(Cards, AreCollectedAgainAfterTheirPositionWasDamaged) {
  chain.append({card_message({})});
  (void)cards.collect(chain.store());
  ASSERT_TRUE(good.remove(file()));
  ASSERT_TRUE(good.replace(directory / "position", filled(1, 80)));
  EXPECT_EQ(cards.collect(chain.store()).value().cards, 1u);
}

TEST_F(Cards, AreCollectedAgainOnceOneWasSeenToBeDamaged) {
  chain.append({card_message({})});
  (void)cards.collect(chain.store());
  ASSERT_TRUE(good.replace(file(), filled(0, 300)));
  EXPECT_EQ(cards.collect(chain.store()).value().cards, 0u) << "nobody has looked";
  EXPECT_EQ(numbers(), Numbers{});
  EXPECT_EQ(cards.collect(chain.store()).value().cards, 1u);
  EXPECT_EQ(numbers(), Numbers{1});
}

TEST_F(Cards, IgnoreWhatOnlyLooksLikeACard) {
  Message bad = card_message({});
  bad.head.ttl += 1;
  chain.append({bad});
  EXPECT_EQ(cards.collect(chain.store()).value().cards, 0u);
}

TEST_F(Cards, MissNoneWhateverCallOfTheDiskFails) {
  chain.append({card_message({})});
  std::uint64_t calls = 0;
  for (;; ++calls) {
    std::filesystem::remove_all(directory);
    disk.fail_after(calls, Failing::once);
    const bool collected = bool(cards.collect(chain.store()));
    const bool failed = disk.failures() > 0;
    disk.heal();
    EXPECT_NE(collected, failed);
    ASSERT_TRUE(cards.collect(chain.store()));
    EXPECT_EQ(numbers(), Numbers{1}) << "missed after call " << calls;
    if (!failed) break;
  }
  EXPECT_GT(calls, 4u);
}

}  // namespace
}  // namespace bmsg::mail
