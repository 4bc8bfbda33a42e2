#include "lib/mail/send.h"

#include <gtest/gtest.h>

#include "lib/core/address.h"
#include "lib/core/codec.h"
#include "tests/mail/person.h"
#include "tests/support/fault_disk.h"

namespace bmsg::mail {
namespace {

using Words = std::vector<std::string>;

class SendTest : public testing::Test, public TwoPersons {
 protected:
  std::vector<Message> queued(Person& person) {
    std::vector<Message> found;
    for (auto& one : person.outbox.new_messages(1000).value()) found.push_back(one.message);
    return found;
  }
  Result<std::vector<Sent>> try_send(const Letter& letter) {
    return send(letter, ana.context(), {});
  }
};

TEST_F(SendTest, ReachesTheOtherAndStaysReadableHere) {
  const MessageId id = ana.write({ben.address()}, "Lunch at noon?");
  ana.hand_over(chain);
  EXPECT_EQ(ben.inbox(chain), Words{"Lunch at noon?"});
  EXPECT_EQ(ana.inbox(chain), Words{"Lunch at noon?"});
  EXPECT_EQ(ben.item(chain, id).summary.direction, Direction::in);
  EXPECT_EQ(ben.item(chain, id).summary.identity(), ana.address());
  EXPECT_EQ(ana.item(chain, id).summary.direction, Direction::out);
  EXPECT_EQ(ana.item(chain, id).summary.to, (std::vector<Addressee>{{ben.address(), ""}}));
}

TEST_F(SendTest, NumbersEachConversation) {
  const MessageId first = ana.write({ben.address()}, "one");
  const MessageId second = ana.write({ben.address()}, "two");
  ana.hand_over(chain);
  EXPECT_EQ(ben.item(chain, first).summary.seq, 1u);
  EXPECT_EQ(ben.item(chain, first).summary.prev, std::nullopt);
  EXPECT_EQ(ben.item(chain, second).summary.seq, 2u);
  EXPECT_EQ(ben.item(chain, second).summary.prev, prefix_of<IdPrefix>(first));
  EXPECT_FALSE(ben.item(chain, second).gap);
}

TEST_F(SendTest, ShowsAGapWhereAMessageIsMissing) {
  (void)ana.write({ben.address()}, "lost");
  ASSERT_TRUE(ana.outbox.cancel(ana.outbox.entries(OutboxPlace::fresh).value()[0].id));
  const MessageId second = ana.write({ben.address()}, "two");
  ana.hand_over(chain);
  EXPECT_TRUE(ben.item(chain, second).gap);
}

TEST_F(SendTest, SealsToAllDevicesOfTheRecipientAndToOwnOthers) {
  Person phone(3);
  phone.keyring.identities[0].seed = ben.self().seed.clone();
  phone.self().device = 9;
  ana.knows(phone.new_card());
  Person laptop(4);
  laptop.self().seed = ana.self().seed.clone();
  laptop.self().device = 5;
  ana.knows(laptop.new_card());

  const MessageId id = ana.write({ben.address()}, "to all of you");
  const Message message = queued(ana).back();
  EXPECT_EQ(message.head.key_section.size(), 32 + 4 * kSlotBytes) << "3 devices, padded to 4";
  ana.hand_over(chain);
  EXPECT_EQ(ben.inbox(chain), Words{"to all of you"});
  EXPECT_EQ(phone.inbox(chain), Words{"to all of you"});
  EXPECT_EQ(laptop.inbox(chain), Words{"to all of you"});
  EXPECT_EQ(laptop.item(chain, id).summary.direction, Direction::out);
  EXPECT_FALSE(laptop.item(chain, id).flags.contains("unread"));
}

TEST_F(SendTest, MakesOneMessageForSeveralRecipients) {
  Person cleo(5);
  ana.knows(cleo.new_card());
  const auto sent = try_send(ana.letter({ben.address(), cleo.address()}, "both")).value();
  EXPECT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].to.size(), 2u);
  ana.hand_over(chain);
  EXPECT_EQ(ben.inbox(chain), Words{"both"});
  EXPECT_EQ(cleo.inbox(chain), Words{"both"});
}

TEST_F(SendTest, MakesSeveralMessagesForInboxesThatDiffer) {
  Person cleo(5);
  ana.knows(cleo.new_card({8, Topic({0xab, 0, 0, 0})}));
  const auto sent = try_send(ana.letter({ben.address(), cleo.address()}, "both")).value();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].to.size(), 1u);
  int zero = 0;
  for (const Message& message : queued(ana)) {
    const bool no_topic = message.head.topic.is_zero();
    zero += no_topic ? 1 : 0;
    EXPECT_TRUE(no_topic || message.head.topic.data()[0] == 0xab);
  }
  EXPECT_EQ(zero, 1);
  ana.hand_over(chain);
  EXPECT_EQ(ben.inbox(chain), Words{"both"});
  EXPECT_EQ(cleo.inbox(chain), Words{"both"});
}

TEST_F(SendTest, MakesTwoMessagesFor65Devices) {
  std::vector<IdentityKey> to;
  for (std::uint8_t i = 0; i < 65; ++i) {
    const CardDraft draft{
        .name = {}, .prekey = Prekey::from(prekey(i)), .inbox = {}, .time = golden::kMessageTime};
    const auto seed = secret(static_cast<std::uint8_t>(100 + i));
    Message card = std::move(make_card(free_chain(), draft, seed).value()).with_nonce(0);
    ana.knows(read_card(card, free_chain().id).value());
    to.push_back(crypto::public_key_of(seed));
  }
  EXPECT_EQ(try_send(ana.letter(to, "everybody")).value().size(), 2u);
  to.pop_back();
  EXPECT_EQ(try_send(ana.letter(to, "nearly everybody")).value().size(), 1u);
}

TEST_F(SendTest, FailsWholeForARecipientWithoutACard) {
  const std::size_t before = queued(ana).size();
  const auto failed = try_send(ana.letter({ben.address(), identity(77)}, "hello"));
  EXPECT_EQ(failed.error().code, Errc::no_recipient);
  EXPECT_NE(failed.error().message.find(to_address(identity(77))), std::string::npos);
  EXPECT_EQ(queued(ana).size(), before);
}

TEST_F(SendTest, UsesExpiredCardsOnlyWhenAsked) {
  ana.clock.advance(kCardSeconds);
  EXPECT_EQ(try_send(ana.letter({ben.address()}, "late")).error().code, Errc::no_recipient);
  Letter late = ana.letter({ben.address()}, "late");
  late.stale = Stale::allowed;
  EXPECT_TRUE(try_send(late));
  ana.hand_over(chain);
  EXPECT_EQ(ben.inbox(chain), Words{"late"});
}

TEST_F(SendTest, RefusesACardThatIsInConflict) {
  Person thief(6);
  thief.self().seed = ben.self().seed.clone();
  ana.knows(thief.new_card());
  EXPECT_EQ(try_send(ana.letter({ben.address()}, "hello")).error().code, Errc::no_recipient);
}

TEST_F(SendTest, RoundsItsTimeDownToAMinute) {
  ana.clock.set(golden::kMessageTime + 59);
  (void)ana.write({ben.address()}, "hello");
  EXPECT_EQ(queued(ana).back().head.time % 60, 0u);
  EXPECT_EQ(queued(ana).back().head.time, golden::kMessageTime);
}

TEST_F(SendTest, WithoutAKeyringIsAnonymousAndLeavesNoCopy) {
  SendContext context = ana.context();
  context.keyring = nullptr;
  context.identity = nullptr;
  const MessageId id = send(ana.letter({ben.address()}, "psst"), context, {}).value()[0].id;
  EXPECT_TRUE(ana.outbox.read(*ana.outbox.find(id).value()).value()->note.empty());
  ana.hand_over(chain);
  EXPECT_EQ(ana.inbox(chain), Words{});
  EXPECT_EQ(ben.inbox(chain), Words{"psst"});
  EXPECT_EQ(ben.item(chain, id).summary.signature, SignatureState::absent);
}

TEST_F(SendTest, PublishesToEverybody) {
  Letter open = ana.letter({}, "hear, hear");
  open.audience = Audience::open;
  open.topic = Topic::from(as_bytes("news"));
  const MessageId id = try_send(open).value()[0].id;
  ana.hand_over(chain);
  EXPECT_EQ(ben.inbox(chain), Words{"hear, hear"});
  EXPECT_EQ(ben.item(chain, id).summary.audience, Audience::open);
  EXPECT_EQ(ana.item(chain, id).summary.direction, Direction::out);
}

TEST_F(SendTest, ToOneselfIsToBeRead) {
  const MessageId id = ana.write({ana.address()}, "buy milk");
  const MailItem item = ana.item(chain, id);
  EXPECT_EQ(item.summary.direction, Direction::in);
  EXPECT_TRUE(item.flags.contains("unread"));
}

TEST_F(SendTest, PutsNoAddressInTheClear) {
  (void)ana.write({ben.address()}, "hello");
  const auto entry = ana.outbox.entries(OutboxPlace::fresh).value().back();
  const Bytes bytes = encode(*ana.outbox.read(entry).value());
  for (const IdentityKey& key : {ana.address(), ben.address()}) {
    EXPECT_TRUE(std::ranges::search(bytes, key.view()).empty());
  }
}

TEST_F(SendTest, QueuesNothingWhenStopped) {
  std::stop_source stop;
  stop.request_stop();
  const chain::ChainRules stamped = example_chain();
  SendContext costly{.chain = stamped,
                     .cards = ana.cards,
                     .outbox = ana.outbox,
                     .clock = ana.clock,
                     .entropy = ana.entropy};
  const std::size_t before = queued(ana).size();
  Letter open = ana.letter({}, "hear");
  open.audience = Audience::open;
  EXPECT_EQ(send(open, costly, stop.get_token()).error().code, Errc::try_again);
  EXPECT_EQ(queued(ana).size(), before);
}

TEST_F(SendTest, SaysWhatDoesNotFit) {
  Letter huge = ana.letter({ben.address()}, "");
  huge.content.content.resize(65'000);
  EXPECT_EQ(try_send(huge).error().code, Errc::bad_input);
  EXPECT_EQ(try_send(ana.letter({}, "nobody")).error().code, Errc::bad_input);
}

TEST_F(SendTest, WaitsForNobodyForever) {
  const ConversationKey key{ana.address(), 0, {ben.address()}, {}};
  const auto held = Conversation::take(ana.disk, ana.outbox.directory() / "seq", key,
                                       ana.keyring.archive, {}, ana.clock);
  ASSERT_TRUE(held);
  EXPECT_EQ(try_send(ana.letter({ben.address()}, "hello")).error().code, Errc::locked);
}

TEST_F(SendTest, HoldsALetterUntilThereIsACard) {
  Person cleo(5);
  HeldLetters held(ana.outbox, ana.keyring.archive);
  Letter letter = ana.letter({cleo.address()}, "welcome");
  letter.content.subject = "hello";
  const MessageId id = held.hold(letter, ana.address(), {100}, ana.entropy).value();
  ASSERT_EQ(held.all().value().size(), 1u);
  EXPECT_EQ(held.all().value()[0].id, id);
  EXPECT_EQ(held.all().value()[0].letter.content, letter.content);
  EXPECT_TRUE(held.release(ana.context(), {}).value().empty());

  ana.knows(cleo.new_card());
  const auto released = held.release(ana.context(), {}).value();
  ASSERT_EQ(released.size(), 1u);
  EXPECT_EQ(released[0].held, id);
  EXPECT_TRUE(held.all().value().empty());
  ana.hand_over(chain);
  EXPECT_EQ(cleo.inbox(chain), Words{"welcome"});
  EXPECT_EQ(remove_held(ana.outbox, id).error().code, Errc::not_found);
}

TEST_F(SendTest, ReleasesALetterOnceThoughItsFileStays) {
  Person cleo(5);
  HeldLetters held(ana.outbox, ana.keyring.archive);
  const MessageId id =
      held.hold(ana.letter({cleo.address()}, "welcome"), ana.address(), {100}, ana.entropy).value();
  EXPECT_TRUE(released_as(ana.outbox, id).value().empty());
  const auto directory = ana.outbox.directory() / "held";
  const auto file = directory / ana.disk.list(directory).value().at(0);
  const Bytes bytes = *ana.disk.read(file, 100'000).value();

  ana.knows(cleo.new_card());
  const auto first = held.release(ana.context(), {}).value();
  ASSERT_TRUE(ana.disk.replace(file, bytes));  // As a kill before its removal leaves it.
  const auto second = held.release(ana.context(), {}).value();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].sent.at(0).id, first.at(0).sent.at(0).id);
  EXPECT_EQ(released_as(ana.outbox, id).value(), std::vector{first[0].sent[0].id});
  EXPECT_EQ(ana.outbox.entries(OutboxPlace::fresh).value().size(), 1u);
  EXPECT_TRUE(held_names(ana.outbox).value().empty());
}

TEST_F(SendTest, KeepsHeldTextUnderTheMailboxKey) {
  HeldLetters held(ana.outbox, ana.keyring.archive);
  (void)held.hold(ana.letter({identity(77)}, "secret text"), ana.address(), {100}, ana.entropy);
  const auto directory = ana.outbox.directory() / "held";
  const auto file = directory / ana.disk.list(directory).value()[0];
  Bytes bytes = *ana.disk.read(file, 100'000).value();
  EXPECT_TRUE(std::ranges::search(bytes, as_bytes("secret text")).empty());
  EXPECT_TRUE(std::ranges::search(bytes, identity(77).view()).empty());

  const auto other_key = secret(50);
  std::vector<MessageId> damaged;
  EXPECT_TRUE(HeldLetters(ana.outbox, other_key).all(&damaged).value().empty());
  EXPECT_EQ(damaged.size(), 1U);
  bytes[20] ^= 1;
  ASSERT_TRUE(ana.disk.replace(file, bytes));
  EXPECT_TRUE(held.all(&damaged).value().empty());
  EXPECT_EQ(damaged.size(), 2U);
}

}  // namespace
}  // namespace bmsg::mail
