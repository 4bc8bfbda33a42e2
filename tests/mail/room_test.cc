#include "lib/mail/room.h"

#include <gtest/gtest.h>

#include "lib/core/big_endian.h"
#include "lib/mail/box.h"
#include "lib/mail/reader.h"
#include "lib/mail/room_grant.h"
#include "lib/mail/room_scan.h"
#include "tests/mail/person.h"

namespace bmsg::mail {
namespace {

using Words = std::vector<std::string>;

constexpr UnixSeconds kNow{1'000'000};
constexpr std::uint64_t kDay = 86400;

Room example_room() {
  Room room;
  room.id = filled(7, kRoomIdBytes);
  room.name = "ops";
  room.keeper = identity(1);
  room.keys.push_back({1, secret(0x33)});
  return room;
}

Grant grant_of(std::uint32_t epoch, std::uint8_t key, std::uint8_t granter = 1) {
  return {.id = filled(7, kRoomIdBytes),
          .name = "ops",
          .granter = identity(granter),
          .epoch = epoch,
          .secret = secret(key)};
}

MessageId id_of(std::uint8_t byte) { return MessageId::from(filled(byte, MessageId::kSize)); }

TEST(Room, HasTheKeyAndTopicOfTheWorkedExample) {
  EXPECT_EQ(room_public_key(secret(0x33)), golden::bytes(golden::kRoomKey));
  EXPECT_EQ(room_topic(golden::bytes(golden::kRoomKey), golden::kMessageTime),
            golden::fixed<Topic>(golden::kRoomTopic));
}

TEST(Room, ChangesItsTopicAtMidnight) {
  const Bytes key = golden::bytes(golden::kRoomKey);
  EXPECT_EQ(room_topic(key, 5 * kDay), room_topic(key, 6 * kDay - 1));
  EXPECT_NE(room_topic(key, 6 * kDay), room_topic(key, 6 * kDay - 1));
}

TEST(Room, TheFirstGrantNamesTheKeeper) {
  std::vector<Room> rooms;
  EXPECT_EQ(take_grant(rooms, grant_of(4, 9), id_of(1), kNow), GrantOutcome::room);
  ASSERT_EQ(rooms.size(), 1u);
  EXPECT_EQ(rooms[0].keeper, identity(1));
  EXPECT_EQ(take_grant(rooms, grant_of(5, 8, 2), id_of(2), kNow), GrantOutcome::not_keeper);
  EXPECT_EQ(newest_key(rooms[0]).epoch, 4u);
}

TEST(Room, TakesAGrantOnceAndPutsEpochsInOrder) {
  std::vector<Room> rooms;
  (void)take_grant(rooms, grant_of(2, 2), id_of(1), kNow);
  EXPECT_EQ(take_grant(rooms, grant_of(2, 2), id_of(2), kNow), GrantOutcome::known);
  EXPECT_EQ(take_grant(rooms, grant_of(3, 3), id_of(3), kNow), GrantOutcome::epoch);
  EXPECT_EQ(take_grant(rooms, grant_of(1, 1), id_of(4), kNow), GrantOutcome::epoch);
  ASSERT_EQ(rooms[0].keys.size(), 3u);
  EXPECT_EQ(newest_key(rooms[0]).epoch, 3u);
  EXPECT_EQ(rooms[0].keys[2].replaced, UnixSeconds{0});
  EXPECT_EQ(rooms[0].keys[1].replaced, kNow);
  EXPECT_EQ(rooms[0].keys[0].replaced, kNow);
}

TEST(Room, LearnsWhoIsLeftFromOurOtherDeviceBeItNobody) {
  std::vector<Room> rooms;
  Grant first = grant_of(1, 2);
  first.to = {identity(5)};
  first.tells_members = true;
  (void)take_grant(rooms, std::move(first), id_of(1), kNow);
  EXPECT_EQ(rooms[0].members, std::vector<IdentityKey>{identity(5)});
  (void)take_grant(rooms, grant_of(2, 3), id_of(2), kNow);
  EXPECT_EQ(rooms[0].members, std::vector<IdentityKey>{identity(5)}) << "nothing was told";
  Grant last = grant_of(3, 4);
  last.tells_members = true;
  (void)take_grant(rooms, std::move(last), id_of(3), kNow);
  EXPECT_TRUE(rooms[0].members.empty());
}

TEST(Room, AnotherSecretForAnEpochIsAnAlarmAndTheFirstStays) {
  std::vector<Room> rooms;
  (void)take_grant(rooms, grant_of(1, 2), id_of(1), kNow);
  EXPECT_EQ(take_grant(rooms, grant_of(1, 3), id_of(2), kNow), GrantOutcome::alarm);
  EXPECT_EQ(take_grant(rooms, grant_of(1, 3), id_of(2), kNow), GrantOutcome::alarm);
  EXPECT_EQ(rooms[0].alarms, (std::vector<RoomAlarm>{{1, id_of(2)}}));
  EXPECT_EQ(to_bytes(rooms[0].keys[0].secret.view()), filled(2));
}

TEST(Room, KeepsNoMoreRoomsEpochsAndAlarmsThanItsLimits) {
  std::vector<Room> rooms;
  for (std::uint32_t epoch = 1; epoch <= kRoomKeysMax + 1; ++epoch)
    (void)take_grant(rooms, grant_of(epoch, 2), id_of(1), kNow);
  EXPECT_EQ(rooms[0].keys.size(), kRoomKeysMax);
  EXPECT_EQ(rooms[0].keys.front().epoch, 2u);
  EXPECT_EQ(take_grant(rooms, grant_of(1, 2), id_of(1), kNow), GrantOutcome::known);
  for (std::uint8_t i = 0; i < kRoomAlarmsMax + 1; ++i)
    (void)take_grant(rooms, grant_of(9, 3), id_of(i), kNow);
  EXPECT_EQ(rooms[0].alarms.size(), kRoomAlarmsMax);
  rooms.resize(kRoomsMax - 1);
  Grant another = grant_of(1, 2);
  another.id = filled(8, kRoomIdBytes);
  EXPECT_EQ(take_grant(rooms, std::move(another), id_of(1), kNow), GrantOutcome::room);
  Grant one_more = grant_of(1, 2);
  one_more.id = filled(9, kRoomIdBytes);
  EXPECT_EQ(take_grant(rooms, std::move(one_more), id_of(1), kNow), GrantOutcome::full);
}

TEST(Room, HasALastEpoch) {
  FakeEntropy entropy(1);
  Room room = example_room();
  room.keys[0].epoch = 0xfffffffe;
  ASSERT_TRUE(add_epoch(room, kNow, entropy));
  EXPECT_EQ(add_epoch(room, kNow, entropy).error().code, Errc::bad_input);
}

// A contact who makes rooms with long names would fill the keyring.
TEST(Room, TakesTheBeginningOfALongName) {
  const Room room = example_room();
  Opened opened;
  opened.content = grant_content(room, room.keys[0]);
  opened.content.sender = to_bytes(identity(1).view());
  opened.signature = SignatureState::good;
  opened.content.subject = std::string(64, 'x');
  EXPECT_EQ(read_grant(opened)->name, opened.content.subject);
  opened.content.subject = std::string(60'000, '\1');
  EXPECT_LE(read_grant(opened)->name.size(), 64u);
  opened.content.subject = std::string(65, 'x');
  EXPECT_LE(read_grant(opened)->name.size(), 64u);
}

TEST(Room, ReadsAGrantOnlyIfItIsWholeAndSigned) {
  const Room room = example_room();
  Opened opened;
  opened.content = grant_content(room, room.keys[0]);
  opened.content.sender = to_bytes(identity(1).view());
  opened.signature = SignatureState::good;
  ASSERT_TRUE(read_grant(opened));
  EXPECT_EQ(read_grant(opened)->epoch, 1u);
  EXPECT_EQ(to_bytes(read_grant(opened)->secret.view()), filled(0x33));
  const auto broken = [&](auto change) {
    Opened other;
    other.content = opened.content;
    other.signature = opened.signature;
    change(other);
    return !read_grant(other);
  };
  EXPECT_TRUE(broken([](Opened& one) { one.signature = SignatureState::bad; }));
  EXPECT_TRUE(broken([](Opened& one) { one.signature = SignatureState::absent; }));
  EXPECT_TRUE(broken([](Opened& one) { one.content.sender.clear(); }));
  EXPECT_TRUE(broken([](Opened& one) { one.content.kind = Kind::text; }));
  EXPECT_TRUE(broken([](Opened& one) { one.content.thread.reset(); }));
  EXPECT_TRUE(broken([](Opened& one) { one.content.grant.pop_back(); }));
  EXPECT_TRUE(broken([](Opened& one) { one.content.grant.push_back(0); }));
  EXPECT_TRUE(broken([](Opened& one) { one.content.grant.clear(); }));
  EXPECT_TRUE(broken([](Opened& one) { one.fault = Fault::records; }));
}

TEST(Room, TravelsInAnInvite) {
  const Room room = example_room();
  const auto shared = shared_room(room);
  ASSERT_EQ(shared.size(), kSharedRoomBytes);
  const auto read = room_in(shared.view());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, room.id);
  EXPECT_EQ(read->keeper, room.keeper);
  EXPECT_EQ(read->keys[0].epoch, 1u);
  for (std::size_t size = 0; size < shared.size(); ++size)
    EXPECT_FALSE(room_in(shared.view().first(size))) << size;
}

TEST(Room, MarksAMessageWithIdAndName) {
  const std::string mark = room_mark(filled(7, kRoomIdBytes), "my ops");
  EXPECT_EQ(room_id_in(mark), filled(7, kRoomIdBytes));
  EXPECT_EQ(room_name_in(mark), "my ops");
  EXPECT_EQ(room_id_in("ops"), Bytes());
  EXPECT_EQ(room_name_in("ops"), "ops");
}

TEST(Box, IsReadAsItWasWritten) {
  const Room room = example_room();
  Sealed made = make_box(example_chain(), room, golden::kMessageTime, secret(1)).value();
  const Message message = std::move(made).with_nonce(0);
  const Box box = read_box(message, example_chain().id).value();
  EXPECT_EQ(box.keeper, identity(1));
  EXPECT_EQ(box.room, room.id);
  EXPECT_EQ(box.key, golden::bytes(golden::kRoomKey));
  const std::string text = to_text(box);
  EXPECT_TRUE(looks_like_box(text));
  EXPECT_EQ(box_from_text(" " + text + "\n", example_chain().id).value().room, room.id);
  EXPECT_FALSE(box_from_text(text.substr(0, text.size() - 1), example_chain().id));
  EXPECT_FALSE(box_from_text("bmsg-card" + text.substr(8), example_chain().id));
  Message changed = message;
  (*changed.body)[10] ^= 1;
  EXPECT_FALSE(read_box(changed, example_chain().id));
  EXPECT_FALSE(read_box(message, free_chain().id));
}

class RoomMail : public testing::Test, public TwoPersons {
 protected:
  RoomMail() {
    Room room = make_room("ops", ana.address(), ana.entropy).value();
    ana.keyring.rooms.push_back(std::move(room));
  }
  Room& room() { return ana.keyring.rooms[0]; }

  void give_to_ben(std::uint32_t epoch) {
    Grant grant{.id = room().id,
                .name = "ops",
                .granter = ana.address(),
                .epoch = epoch,
                .secret = find_key(room(), epoch)->secret.clone()};
    (void)take_grant(ben.keyring.rooms, std::move(grant), id_of(1), kNow);
  }
  void post(std::string_view words) {
    Letter letter;
    letter.content = text(words);
    letter.room =
        RoomPost{room().id, "ops", room().keeper, room_public_key(newest_key(room()).secret)};
    sent.push_back(send(letter, ana.context(), {}).value().at(0).id);
    Message message = ana.outbox.read(*ana.outbox.find(sent.back()).value()).value()->message;
    chain.append({std::move(message)});
  }
  std::vector<MessageId> sent;
};

TEST_F(RoomMail, IsReadByWhoHasTheSecretAndByNobodyElse) {
  give_to_ben(1);
  post("hello");
  EXPECT_EQ(ben.inbox(chain), Words{"hello"});
  const Summary summary = ben.item(chain, sent[0]).summary;
  EXPECT_EQ(room_id_in(summary.room), room().id);
  EXPECT_TRUE(summary.to.empty());
  EXPECT_EQ(summary.identity(), ana.address());
  EXPECT_EQ(summary.slots, 1u);
  Person cleo(3);
  (void)cleo.new_card();
  EXPECT_EQ(cleo.inbox(chain), Words{});
}

TEST_F(RoomMail, CountsItsMessagesAsAConversationOfItsOwn) {
  give_to_ben(1);
  (void)ana.write({ben.address()}, "a letter");
  post("one");
  post("two");
  ben.scan_all(chain);
  EXPECT_EQ(ben.item(chain, sent[0]).summary.seq, 1u);
  EXPECT_EQ(ben.item(chain, sent[1]).summary.seq, 2u);
  EXPECT_FALSE(ben.item(chain, sent[1]).gap);
}

TEST_F(RoomMail, FindsThePastOfASecretThatComesLater) {
  post("before");
  ASSERT_TRUE(add_epoch(room(), kNow, ana.entropy));
  post("after");
  EXPECT_EQ(ben.inbox(chain), Words{});
  give_to_ben(2);
  EXPECT_EQ(ben.inbox(chain), Words{"after"});
  give_to_ben(1);
  EXPECT_EQ(ben.inbox(chain), (Words{"before", "after"})) << "of one minute, as they were found";
}

TEST_F(RoomMail, IsLateForReadersThatPassedItBeforeItsSecretCame) {
  post("before the reader");
  ben.scan_all(chain);
  MailChange begin;
  const ReaderPlace from = last_place(chain.store()).value();
  Reader reader = begin_reader(chain.store(), ben.mail, "bot", from, begin).value();
  post("before the secret");
  ben.scan_all(chain);
  reader.place = last_place(chain.store()).value();
  set_reader(begin, "bot", reader);
  ASSERT_TRUE(ben.mail.apply(begin));
  EXPECT_EQ(late_for(ben.mail, "bot").value(), std::vector<MessageId>{});
  give_to_ben(1);
  EXPECT_EQ(ben.inbox(chain).size(), 2u);
  EXPECT_EQ(late_for(ben.mail, "bot").value(), std::vector<MessageId>{sent[1]});
}

TEST_F(RoomMail, IsLateForReadersThatPassedItInABranchThatComesBack) {
  post("before the secret");
  const Message message =
      chain.store().message_at(chain.store().places_of(sent[0]).value().front()).value().value();
  ben.scan_all(chain);
  MailChange begin;
  const ReaderPlace from = first_place(chain.store()).value();
  Reader reader = begin_reader(chain.store(), ben.mail, "bot", from, begin).value();
  reader.place = last_place(chain.store()).value();
  set_reader(begin, "bot", reader);
  ASSERT_TRUE(ben.mail.apply(begin));
  chain.reorganise(1, {{}, {message}});
  ASSERT_GT(chain.tip(), reader.place.height);
  give_to_ben(1);
  EXPECT_EQ(ben.inbox(chain).size(), 1u);
  EXPECT_EQ(late_for(ben.mail, "bot").value(), sent);
}

TEST_F(RoomMail, GoesThroughThePastInBatchesAndOnce) {
  for (int i = 0; i < 5; ++i) post("letter");
  ben.scan_all(chain);
  give_to_ben(1);
  const ScanOptions one{.limits = {.blocks = 1}};
  std::size_t rounds = 0;
  for (bool more = true; more; ++rounds) {
    const auto found =
        scan(chain.store(), ben.mail, ben.keys(), ben.outbox, ben.entropy, one).value();
    EXPECT_TRUE(apply_scan(ben.mail, ben.outbox, found).value());
    more = found.more;
  }
  EXPECT_EQ(rounds, 6u);  // One a block, and one that finds nothing new above.
  EXPECT_EQ(ben.mail.count().value(), 5u);
  const auto idle = scan(chain.store(), ben.mail, ben.keys(), ben.outbox, ben.entropy, one);
  EXPECT_TRUE(changes_nothing(idle.value()));
}

TEST_F(RoomMail, DoesNotApplyABatchThatSomebodyElseHasOvertaken) {
  post("letter");
  ben.scan_all(chain);
  give_to_ben(1);
  const auto slow = scan(chain.store(), ben.mail, ben.keys(), ben.outbox, ben.entropy, {}).value();
  ben.scan_all(chain);
  EXPECT_FALSE(apply_scan(ben.mail, ben.outbox, slow).value());
}

TEST_F(RoomMail, GrantsAreFlaggedForWhoeverJudgesThem) {
  const OwedGrant owed = owe(1, {ben.address(), ben.address()}, ana.entropy).value();
  EXPECT_EQ(owed.to.size(), 1u);
  const Granted granted = send_grant(room(), owed, ana.context(), {}).value();
  ASSERT_EQ(granted.sent.size(), 1u);
  EXPECT_TRUE(granted.missing.empty());
  ana.hand_over(chain);
  ben.scan_all(chain);
  EXPECT_EQ(ben.item(chain, granted.sent[0].id).flags, Flags{std::string(kGrantedFlag)});
  // Once more under the same mark it is the same message.
  EXPECT_EQ(send_grant(room(), owed, ana.context(), {}).value().sent[0].id, granted.sent[0].id);
}

TEST_F(RoomMail, OneCardThatNothingCanBeSealedToKeepsNobodyElseWaiting) {
  const CardDraft bad{.prekey = Prekey::filled(0),
                      .time = static_cast<std::uint32_t>(ana.clock.now().value)};
  auto sealed = make_card(free_chain(), bad, secret(9)).value();
  ana.knows(read_card(std::move(sealed).with_nonce(0), free_chain().id).value());
  const OwedGrant owed = owe(1, {identity(9), ben.address()}, ana.entropy).value();
  const Granted granted = send_grant(room(), owed, ana.context(), {}).value();
  EXPECT_EQ(granted.missing, std::vector<IdentityKey>{identity(9)});
  ASSERT_EQ(granted.sent.size(), 1u);
  ana.hand_over(chain);
  ben.scan_all(chain);
  EXPECT_EQ(ben.item(chain, granted.sent[0].id).flags, Flags{std::string(kGrantedFlag)});
}

TEST_F(RoomMail, SaysWhoHasNoCard) {
  const OwedGrant owed = owe(1, {identity(9)}, ana.entropy).value();
  const Granted granted = send_grant(room(), owed, ana.context(), {}).value();
  EXPECT_TRUE(granted.sent.empty());
  EXPECT_EQ(granted.missing, std::vector<IdentityKey>{identity(9)});
}

TEST(RoomTopics, LooksADayToEitherSide) {
  Keyring keyring;
  keyring.archive = secret(9);
  keyring.rooms.push_back(example_room());
  const MailKeys keys = mail_keys(keyring, example_chain().id);
  RoomTopics topics(keys.rooms);
  MessageHead head;
  head.suite = Suite::sealed;
  head.time = static_cast<std::uint32_t>(10 * kDay);
  for (const std::uint64_t day : {8u, 9u, 10u, 11u, 12u}) {
    head.topic = room_topic(keys.rooms[0].public_key, day * kDay);
    EXPECT_EQ(topics.keys_for(head).size(), day >= 9 && day <= 11 ? 1u : 0u) << day;
  }
  head.topic = room_topic(keys.rooms[0].public_key, head.time);
  head.suite = Suite::sealed_secp256k1;
  EXPECT_TRUE(topics.keys_for(head).empty());
}

}  // namespace
}  // namespace bmsg::mail
