#include "lib/mail/scan.h"

#include <gtest/gtest.h>

#include "lib/mail/reader.h"
#include "tests/mail/person.h"

namespace bmsg::mail {
namespace {

using Words = std::vector<std::string>;

class ScanTest : public testing::Test, public TwoPersons {
 protected:
  Message taken(const MessageId& id) {
    return ana.outbox.read(*ana.outbox.find(id).value()).value()->message;
  }
  ScanResult scan_ben(ScanOptions options = {}) {
    return scan(chain.store(), ben.mail, ben.keys(), ben.outbox, ben.entropy, options).value();
  }
};

TEST_F(ScanTest, FindsMailInThePoolAndOnceOnly) {
  const MessageId id = ana.write({ben.address()}, "hello");
  ana.hand_over(chain);
  EXPECT_EQ(ben.inbox(chain), Words{"hello"});
  EXPECT_TRUE(ben.item(chain, id).pooled);
  chain.append({taken(id)});
  EXPECT_EQ(ben.inbox(chain), Words{"hello"});
  EXPECT_EQ(ben.item(chain, id).confirmations, 1u);
}

TEST_F(ScanTest, FlagsWhatArrivedAndDoesNotFlagItAgain) {
  const MessageId id = ana.write({ben.address()}, "hello");
  ana.hand_over(chain);
  EXPECT_EQ(ben.item(chain, id).flags, Flags{"unread"});
  MailChange seen;
  seen.flags[id] = {};
  ASSERT_TRUE(ben.mail.apply(seen));
  chain.append({taken(id)});
  chain.reorganise(1, {{}, {taken(id)}});
  EXPECT_EQ(ben.item(chain, id).flags, Flags{});
  EXPECT_EQ(ben.item(chain, id).block->height, chain.tip());
}

TEST_F(ScanTest, EntersOwnMessagesByTheirNotesHoweverManyThereAre) {
  std::vector<MessageId> ids;
  for (const std::string_view words : {"one", "two", "three"}) {
    ids.push_back(ana.write({ana.address()}, words));
    chain.append({taken(ids.back())});
  }
  ScanOptions few;
  few.own_max = 1;
  ana.scan_all(chain, few);
  for (const MessageId& id : ids) {
    // The chain alone would not tell them from what went to others.
    EXPECT_EQ(ana.item(chain, id).summary.direction, Direction::in);
  }
  EXPECT_EQ(ana.inbox(chain).size(), 3u);
}

TEST_F(ScanTest, KnowsWhatItHasThoughTheOutboxIsFull) {
  for (int i = 0; i < 70; ++i) (void)ana.write({ben.address()}, "letter");
  ana.scan_all(chain);
  EXPECT_EQ(ana.mail.count().value(), 70u);
  const MessageId last = ana.write({ben.address()}, "one more");
  const auto found = scan(chain.store(), ana.mail, ana.keys(), ana.outbox, ana.entropy, {});
  ASSERT_EQ(found.value().change.put.size(), 1u);
  EXPECT_EQ(found.value().change.put[0].id, last);
}

TEST_F(ScanTest, NamesEachOfMyIdentitiesThatAMessageIsFor) {
  ben.keyring.identities.push_back(make_identity("work", 1, ben.entropy).value());
  Identity& work = ben.keyring.identities[1];
  const UnixSeconds until{ben.clock.now().value + kCardSeconds};
  work.cards.push_back(make_card_key(work, free_chain().id, until, ben.entropy).value());
  ASSERT_TRUE(send_card(work, work.cards[0], ben.cards, ben.context(), {}));
  ana.knows(ben.cards.cards_of(work.address()).value().cards.back());
  const MessageId both = ana.write({ben.address(), work.address()}, "to both");
  const MessageId one = ana.write({work.address()}, "to one");
  ana.hand_over(chain);
  EXPECT_EQ(ben.item(chain, both).summary.to.size(), 2u);
  ASSERT_EQ(ben.item(chain, one).summary.to.size(), 1u);
  EXPECT_EQ(ben.item(chain, one).summary.to[0].address, work.address());
}

TEST_F(ScanTest, FindsNothingOfOthers) {
  Person cleo(3);
  (void)cleo.new_card();
  (void)ana.write({ben.address()}, "hello");
  ana.hand_over(chain);
  EXPECT_EQ(cleo.inbox(chain), Words{});
}

TEST_F(ScanTest, OrdersABatchAsTheConversationReads) {
  // The same minute, mined in any order: the numbers say how it reads.
  std::vector<Message> messages;
  for (const std::string_view words : {"one", "two", "three", "four"}) {
    messages.push_back(taken(ana.write({ben.address()}, words)));
  }
  std::ranges::reverse(messages);
  chain.append(messages);
  EXPECT_EQ(ben.inbox(chain), (Words{"four", "three", "two", "one"}));
}

TEST_F(ScanTest, PassesOverOutboxFilesThatCannotBeRead) {
  (void)ana.write({ben.address()}, "damaged");
  (void)ana.write({ben.address()}, "of a newer version");
  (void)ana.write({ben.address()}, "good");
  const auto directory = ana.outbox.directory() / "new";
  const auto names = ana.disk.list(directory).value();
  ASSERT_EQ(names.size(), 3u);
  const std::size_t version_at = 4;
  for (const std::size_t at : {version_at, std::size_t{99}}) {
    const auto file = directory / names[at == version_at ? 0 : 1];
    Bytes bytes = *ana.disk.read(file, 1 << 20).value();
    bytes[at] += 1;
    ASSERT_TRUE(ana.disk.replace(file, bytes));
  }
  EXPECT_EQ(ana.inbox(chain).size(), 1u);
}

TEST_F(ScanTest, ChangesNothingWhenThereIsNothingNew) {
  ben.scan_all(chain);
  const ScanResult idle = scan_ben();
  EXPECT_TRUE(idle.change.put.empty());
  EXPECT_EQ(idle.change.position, idle.from);
  EXPECT_FALSE(idle.more);
}

TEST_F(ScanTest, GoesOnInBatches) {
  for (int i = 0; i < 5; ++i) chain.append({taken(ana.write({ben.address()}, "hello"))});
  const ScanOptions two{.limits = {.blocks = 2}};
  const ScanResult first = scan_ben(two);
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.change.put.size(), 2u);
  EXPECT_TRUE(apply_scan(ben.mail, ben.outbox, first).value());
  ben.scan_all(chain, two);
  EXPECT_EQ(ben.mail.count().value(), 5u);
}

TEST_F(ScanTest, IsNotAppliedWhenSomebodyElseWasFaster) {
  (void)ana.write({ben.address()}, "hello");
  ana.hand_over(chain);
  const ScanResult slow = scan_ben();
  ben.scan_all(chain);
  EXPECT_FALSE(apply_scan(ben.mail, ben.outbox, slow).value());
  EXPECT_EQ(ben.mail.count().value(), 1u);
}

TEST_F(ScanTest, StartsOverForANewIdentity) {
  chain.append({taken(ana.write({ben.address()}, "hello"))});
  Person both(7);
  (void)both.new_card();
  EXPECT_EQ(both.inbox(chain), Words{});
  MailChange reading;
  Reader bot =
      begin_reader(chain.store(), both.mail, "bot", first_place(chain.store()).value(), reading)
          .value();
  bot.place = last_place(chain.store()).value();
  set_reader(reading, "bot", bot);
  ASSERT_TRUE(both.mail.apply(reading));
  Identity imported = make_identity("ben", 0, both.entropy).value();
  imported.seed = ben.self().seed.clone();
  CardKey key;
  key.chain = free_chain().id;
  key.secret = ben.self().cards[0].secret.clone();
  imported.cards.push_back(std::move(key));
  both.keyring.identities.push_back(std::move(imported));
  chain.append({taken(ana.write({ben.address()}, "not passed"))});
  EXPECT_EQ(both.inbox(chain).size(), 2u);
  EXPECT_EQ(late_for(both.mail, "bot").value().size(), 1u) << "a reader has passed it";
}

TEST_F(ScanTest, KeepsOpeningWhatWasSealedToAnOlderCard) {
  ben.scan_all(chain);
  (void)ben.new_card();
  ana.write({ben.address()}, "to the old one");
  ana.hand_over(chain);
  EXPECT_EQ(ben.inbox(chain), Words{"to the old one"});
}

TEST_F(ScanTest, TriesAKeyOnTheTopicsOfItsOwnCardAlone) {
  const Card old = ben.cards.cards_of(ben.address()).value().cards.back();
  ben.self().inbox_bits = 8;
  const InboxPrefix inbox = inbox_of(ben.self());
  const Card fresh = ben.new_card(inbox);
  ana.write({ben.address()}, "to the old inbox");
  ana.knows(fresh);
  const Message prefixed = taken(ana.write({ben.address()}, "to the new inbox"));
  EXPECT_NE(prefixed.head.topic, Topic());
  EXPECT_TRUE(inbox.matches(prefixed.head.topic));
  const auto seal_by_hand = [&](const Card& card, const Topic& topic, std::string_view words) {
    Sealed made =
        seal(free_chain(), text(words), {{to_bytes(card.prekey.view()), ben.address()}}, nullptr,
             {.topic = topic, .time = prefixed.head.time, .ttl = 86400}, ana.entropy)
            .value();
    chain.append({std::move(made).with_nonce(0)});
  };
  seal_by_hand(fresh, Topic(), "where only the old key is tried");
  seal_by_hand(old, prefixed.head.topic, "where only the new key is tried");
  EXPECT_EQ(ben.inbox(chain), Words{});
  ana.hand_over(chain);
  std::vector<std::string> found = ben.inbox(chain);
  std::ranges::sort(found);
  EXPECT_EQ(found, (Words{"to the new inbox", "to the old inbox"}));
}

TEST_F(ScanTest, ReadsWhatARebuiltPositionPointsAt) {
  chain.append({taken(ana.write({ben.address()}, "hello"))});
  ben.scan_all(chain);
  MailChange lost;
  lost.position = ScanPosition{Height{900}, BlockHash::filled(9), 0, ben.keys().digest};
  ASSERT_TRUE(ben.mail.apply(lost));
  EXPECT_EQ(ben.inbox(chain), Words{"hello"});
  EXPECT_EQ(ben.mail.position().value()->height, chain.tip());
}

TEST_F(ScanTest, ShowsMailThatIsOursAndCannotBeRead) {
  Message bad = taken(ana.write({ben.address()}, "hello"));
  bad.body->back() ^= 1;
  bad.head.body_hash = chain::body_hash_of(*bad.body);
  chain.append({bad});
  ben.scan_all(chain);
  const MailItem item = ben.item(chain, chain::id_of(bad.head));
  EXPECT_EQ(item.summary.fault, Fault::tag);
  EXPECT_EQ(ben.inbox(chain), Words{""});
}

TEST_F(ScanTest, PassesOverMessagesWhoseBodyWasDropped) {
  Message bare = taken(ana.write({ben.address()}, "hello"));
  bare.body.reset();
  chain.append({bare});
  EXPECT_EQ(ben.inbox(chain), Words{});
}

TEST_F(ScanTest, DoesNotTakeForeignCardsForMail) {
  EXPECT_EQ(ben.inbox(chain), Words{});
  EXPECT_EQ(ben.mail.count().value(), 0u);
}

TEST_F(ScanTest, EntersOwnMailAtOnceAndKeepsItReadableAfterBurial) {
  const MessageId id = ana.write({ben.address()}, "see you");
  EXPECT_EQ(ana.inbox(chain), Words{"see you"});
  EXPECT_EQ(ana.read(chain, id).opened.content.content, to_bytes("see you"));
  ana.hand_over(chain);
  chain.append({taken(id)});
  chain.append_empty(4);
  ana.scan_all(chain);
  EXPECT_TRUE(ana.outbox.find(id).value());
  chain.append();
  ana.scan_all(chain);
  EXPECT_FALSE(ana.outbox.find(id).value()) << "buried, and still in the outbox";
  EXPECT_EQ(ana.inbox(chain), Words{"see you"});
  EXPECT_EQ(ana.read(chain, id).opened.content.content, to_bytes("see you"));
  EXPECT_EQ(ana.item(chain, id).summary.to[0].address, ben.address());
}

TEST_F(ScanTest, LeavesAMessageInTheOutboxUntilTheIndexHasIt) {
  const MessageId id = ana.write({ben.address()}, "see you");
  chain.append({taken(id)});
  chain.append_empty(5);
  const ScanResult found =
      scan(chain.store(), ana.mail, ana.keys(), ana.outbox, ana.entropy).value();
  EXPECT_TRUE(ana.outbox.find(id).value()) << "a scan alone removes nothing";
  EXPECT_TRUE(apply_scan(ana.mail, ana.outbox, found).value());
  EXPECT_FALSE(ana.outbox.find(id).value());
}

TEST_F(ScanTest, AnswersFromMemoryWhereNothingCanBeWritten) {
  (void)ana.write({ben.address()}, "hello");
  ana.hand_over(chain);
  chain.append();
  MailOverlay view(ben.mail);
  const MailKeys keys = ben.keys();
  for (bool more = true; more;) {
    const auto found =
        scan(chain.store(), view, keys, ben.outbox, ben.entropy, {.limits = {.blocks = 1}}).value();
    view.add(found.change);
    more = found.more;
  }
  const Mailbox mailbox(chain.store(), view, keys, ben.outbox);
  const auto items = mailbox.list({}, 10).value();
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(items[0].summary.snippet, "hello");
  EXPECT_TRUE(items[0].flags.contains("unread"));
  EXPECT_EQ(ben.mail.count().value(), 0u);
}

TEST_F(ScanTest, SealsWhatItRemembers) {
  (void)ana.write({ben.address()}, "a secret meeting");
  ana.hand_over(chain);
  ben.scan_all(chain);
  for (const MailEntry& entry : ben.mail.newest(std::nullopt, 10).value()) {
    EXPECT_TRUE(std::ranges::search(entry.sealed, as_bytes("secret")).empty());
    EXPECT_TRUE(std::ranges::search(entry.sealed, ana.address().view()).empty());
  }
}

}  // namespace
}  // namespace bmsg::mail
