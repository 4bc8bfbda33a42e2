#include "lib/mail/conversation.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <random>

#include "lib/core/hex.h"
#include "tests/mail/support.h"
#include "tests/support/cut_disk.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fault_disk.h"
#include "tests/support/seed.h"
#include "tests/support/temp_dir.h"

namespace bmsg::mail {
namespace {

ConversationKey to(std::vector<std::uint8_t> persons) {
  ConversationKey key{.sender = identity(1), .device = 0, .to = {}, .scope = {}};
  for (const std::uint8_t person : persons) key.to.push_back(identity(person));
  return key;
}

class ConversationTest : public testing::Test {
 protected:
  Result<Conversation> take(const ConversationKey& key, std::uint8_t mailbox_key = 9) {
    return Conversation::take(disk, seq, key, secret(mailbox_key), std::chrono::milliseconds(0),
                              clock);
  }
  std::uint64_t next(const ConversationKey& key) { return take(key).value().next_seq(); }
  void use(const ConversationKey& key, const MessageId& id) {
    ASSERT_TRUE(take(key).value().used(id));
  }

  TempDir temp;
  SystemDisk good;
  FaultDisk disk{good};
  FakeClock clock;
  std::filesystem::path seq = temp.path() / "seq";
};

TEST_F(ConversationTest, CountsFromOneAndRemembersTheLast) {
  EXPECT_EQ(next(to({2})), 1u);
  EXPECT_EQ(take(to({2})).value().prev(), std::nullopt);
  use(to({2}), MessageId::filled(7));
  EXPECT_EQ(next(to({2})), 2u);
  EXPECT_EQ(take(to({2})).value().prev(), IdPrefix::filled(7));
}

TEST_F(ConversationTest, IsOneForASetOfPersonsInAnyOrder) {
  use(to({2, 3}), MessageId::filled(7));
  EXPECT_EQ(next(to({3, 2})), 2u);
  EXPECT_EQ(next(to({3, 2, 3})), 2u);
  EXPECT_EQ(next(to({2})), 1u);
  EXPECT_EQ(next(to({2, 3, 4})), 1u);
}

TEST_F(ConversationTest, IsAnotherForAnotherSenderDeviceOrScope) {
  use(to({2}), MessageId::filled(7));
  ConversationKey other = to({2});
  other.device = 1;
  EXPECT_EQ(next(other), 1u);
  other = to({2});
  other.sender = identity(5);
  EXPECT_EQ(next(other), 1u);
  other = to({2});
  other.scope = to_bytes("news");
  EXPECT_EQ(next(other), 1u);
}

TEST_F(ConversationTest, NamesNobodyInItsDirectory) {
  use(to({2}), MessageId::filled(7));
  for (const std::string& name : good.list(seq).value()) {
    EXPECT_EQ(name.find(to_hex(identity(2).view()).substr(0, 16)), std::string::npos);
  }
  EXPECT_EQ(take(to({2}), 10).value().next_seq(), 1u) << "a name that needs no key";
}

TEST_F(ConversationTest, IsHeldByOneAtATime) {
  const auto held = take(to({2}));
  ASSERT_TRUE(held);
  EXPECT_EQ(take(to({2})).error().code, Errc::locked);
  EXPECT_TRUE(take(to({3})));
}

TEST_F(ConversationTest, IsFreeAfterwards) {
  { const auto held = take(to({2})); }
  EXPECT_TRUE(take(to({2})));
}

TEST_F(ConversationTest, SaysSoWhenItsFileIsDamaged) {
  use(to({2}), MessageId::filled(7));
  const auto file = seq / good.list(seq).value()[0];
  const Bytes whole = *good.read(file, 1000).value();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    Bytes bad = whole;
    bad[at] ^= 1;
    ASSERT_TRUE(good.replace(file, bad));
    EXPECT_EQ(take(to({2})).error().code, Errc::corrupt) << at;
  }
  Bytes longer = whole;
  longer.push_back(0);
  ASSERT_TRUE(good.replace(file, longer));
  EXPECT_EQ(take(to({2})).error().code, Errc::corrupt);
  ASSERT_TRUE(good.replace(file, {}));
  EXPECT_EQ(take(to({2})).error().code, Errc::corrupt);
  ASSERT_TRUE(good.replace(file, whole));
  EXPECT_EQ(next(to({2})), 2u);
}

TEST_F(ConversationTest, KeepsTheNumberBeforeWhereWritingIsCutShort) {
  use(to({2}), MessageId::filled(1));
  const auto file = seq / good.list(seq).value()[0];
  for (std::uint8_t number = 2; number < 6; ++number) {
    const Bytes before = *good.read(file, 10'000).value();
    use(to({2}), MessageId::filled(number));
    const Bytes after = *good.read(file, 10'000).value();
    EXPECT_EQ(next(to({2})), number + 1u);
    Bytes torn = before;
    torn.resize(after.size());
    int changes = 0;
    for (std::size_t at = 0; at < after.size(); ++at) {
      if (torn[at] == after[at]) continue;
      // Up to here it was written, and the rest as it was, or not at all.
      ASSERT_TRUE(good.replace(file, torn));
      EXPECT_EQ(next(to({2})), number + 0u) << at;
      const Bytes cut(torn.begin(), torn.begin() + static_cast<std::ptrdiff_t>(at));
      if (at > before.size()) {
        ASSERT_TRUE(good.replace(file, cut));
        EXPECT_EQ(next(to({2})), number + 0u) << at;
      }
      torn[at] = after[at];
      ++changes;
    }
    EXPECT_GT(changes, 8);
    ASSERT_TRUE(good.replace(file, after));
    EXPECT_EQ(next(to({2})), number + 1u);
  }
}

TEST_F(ConversationTest, TakesNoNumberThatItCouldNotWriteDown) {
  auto held = take(to({2}));
  disk.fail_after(0, Failing::from_then_on);
  EXPECT_EQ(held.value().used(MessageId::filled(7)).error().code, Errc::io);
  EXPECT_EQ(held.value().next_seq(), 1u);
}

/// A disk on which a call failed, and then the power went: two numbers were taken before that.
class ShakenDisk {
 public:
  Result<Conversation> take() {
    return Conversation::take(disk_, temp_.path() / "seq", to({2}), secret(9),
                              std::chrono::milliseconds(0), clock_);
  }
  bool use(std::uint8_t number) {
    auto taken = take();
    return taken && taken.value().used(MessageId::filled(number));
  }
  CutDisk& disk() { return disk_; }

 private:
  TempDir temp_;
  CutDisk disk_{temp_.path()};
  FakeClock clock_;
};

TEST(ConversationOnAShakenDisk, IsReadWhateverFailedAndWhenTheNextCutCame) {
  std::mt19937_64 numbers = seeded_numbers();
  std::uint64_t failures = 0;
  int cuts = 0;
  for (int round = 0; round < 600; ++round) {
    ShakenDisk shaken;
    ASSERT_TRUE(shaken.use(1) && shaken.use(2));
    shaken.disk().fail_at(number_up_to(numbers, 10), EIO, CutDisk::Failing::once);
    const bool is_third = shaken.use(3);
    failures += shaken.disk().failures();
    shaken.disk().heal();
    shaken.disk().cut_at(1 + number_up_to(numbers, 3));
    const bool is_fourth = shaken.use(4);
    cuts += shaken.disk().is_off() ? 1 : 0;
    shaken.disk().reboot(CutDisk::Tail::garbled, CutDisk::Names::any, numbers);
    const auto taken = shaken.take();
    ASSERT_TRUE(taken) << taken.error().message;
    EXPECT_GE(taken.value().next_seq(), 3u + (is_third ? 1 : 0) + (is_fourth ? 1 : 0));
  }
  EXPECT_GT(failures, 100u);
  EXPECT_GT(cuts, 100);
}

class OpenConversationsTest : public ConversationTest {
 protected:
  Result<Conversation*> open_one(const ConversationKey& key,
                                 std::chrono::milliseconds patience = {}) {
    return open.take(disk, seq, key, secret(9), patience, clock);
  }

  OpenConversations open;
};

TEST_F(OpenConversationsTest, WriteDownTheLastNumberOfEachWithKeep) {
  for (const auto id : std::initializer_list<std::uint8_t>{1, 2, 3})
    open_one(to({2})).value()->note(MessageId::filled(id));
  open_one(to({3})).value()->note(MessageId::filled(9));
  EXPECT_EQ(open_one(to({2})).value()->next_seq(), 4u);
  ASSERT_TRUE(open.keep());
  EXPECT_TRUE(open.empty());
  EXPECT_EQ(next(to({2})), 4u);
  EXPECT_EQ(take(to({2})).value().prev(), IdPrefix::filled(3));
  EXPECT_EQ(next(to({3})), 2u);
}

TEST_F(OpenConversationsTest, HoldWhatTheyHaveUntilKept) {
  open_one(to({2})).value()->note(MessageId::filled(1));
  EXPECT_EQ(take(to({2})).error().code, Errc::locked);
  ASSERT_TRUE(open.keep());
  EXPECT_TRUE(take(to({2})));
}

TEST_F(OpenConversationsTest, WriteNothingOfOneInWhichNothingWasNoted) {
  ASSERT_TRUE(open_one(to({2})));
  ASSERT_TRUE(open.keep());
  EXPECT_EQ(next(to({2})), 1u);
}

TEST_F(OpenConversationsTest, WaitForNobodyOnceTheyHoldOne) {
  const auto other = take(to({3}));
  ASSERT_TRUE(open_one(to({2})));
  EXPECT_EQ(open_one(to({3}), std::chrono::hours(1)).error().code, Errc::locked);
}

TEST_F(OpenConversationsTest, LetGoOfAllWhereTheDiskFails) {
  open_one(to({2})).value()->note(MessageId::filled(1));
  open_one(to({3})).value()->note(MessageId::filled(1));
  disk.fail_after(0, Failing::from_then_on);
  EXPECT_EQ(open.keep().error().code, Errc::io);
  disk.heal();
  EXPECT_EQ(next(to({2})), 1u);
  EXPECT_EQ(next(to({3})), 1u);
}

}  // namespace
}  // namespace bmsg::mail
