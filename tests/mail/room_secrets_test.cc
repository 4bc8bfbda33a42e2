#include <gtest/gtest.h>

#include "lib/mail/room.h"
#include "tests/mail/person.h"

namespace bmsg::mail {
namespace {

constexpr UnixSeconds kNow{1'000'000};

Room first_room(Entropy& entropy) {
  auto made = make_room("ops", identity(1), entropy);
  EXPECT_TRUE(made);
  return std::move(made).value();
}

TEST(RoomSecrets, TellUntilWhenTheOneIsNeededThatTheNextPushesOut) {
  FakeEntropy entropy(1);
  Room room = first_room(entropy);
  while (room.keys.size() < kRoomKeysMax - 1) ASSERT_TRUE(add_epoch(room, kNow, entropy));
  EXPECT_EQ(lost_with_next_epoch(room, kNow, 100), std::nullopt);
  ASSERT_TRUE(add_epoch(room, kNow, entropy));
  EXPECT_EQ(lost_with_next_epoch(room, kNow, 100), UnixSeconds{kNow.value + 100});
  EXPECT_EQ(lost_with_next_epoch(room, {kNow.value + 100}, 100), UnixSeconds{kNow.value + 100});
  EXPECT_EQ(lost_with_next_epoch(room, {kNow.value + 101}, 100), std::nullopt);
}

TEST(RoomSecrets, LeaveOutEpochsOnce) {
  FakeEntropy entropy(1);
  Room room = first_room(entropy);
  room.skip = 10;
  ASSERT_TRUE(add_epoch(room, kNow, entropy));
  EXPECT_EQ(newest_key(room).epoch, 12u);
  ASSERT_TRUE(add_epoch(room, kNow, entropy));
  EXPECT_EQ(newest_key(room).epoch, 13u);
  room.skip = UINT32_MAX - 13;
  EXPECT_FALSE(add_epoch(room, kNow, entropy));
  --room.skip;
  EXPECT_TRUE(add_epoch(room, kNow, entropy));
}

TEST(RoomSecrets, AreForgottenWhenNoMessageCanLiveThatWasSealedToThem) {
  FakeEntropy entropy(1);
  Room room = first_room(entropy);
  ASSERT_TRUE(add_epoch(room, kNow, entropy));
  EXPECT_EQ(newest_key(room).epoch, 2u);
  EXPECT_EQ(drop_old_keys(room, {kNow.value + 100}, 100), 0u);
  EXPECT_EQ(drop_old_keys(room, {kNow.value + 101}, 100), 1u);
  EXPECT_EQ(room.keys.size(), 1u);
  EXPECT_EQ(drop_old_keys(room, {kNow.value + 10'000}, 100), 0u);
}

}  // namespace
}  // namespace bmsg::mail
