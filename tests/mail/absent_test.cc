#include "lib/mail/absent.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lib/mail/reader.h"
#include "tests/mail/person.h"

namespace bmsg::mail {
namespace {

using Words = std::vector<std::string>;

class AbsentTest : public testing::Test, public TwoPersons {
 protected:
  Message taken(const MessageId& id) {
    return ana.outbox.read(*ana.outbox.find(id).value()).value()->message;
  }
  Message to_ben(std::string_view words) { return taken(ana.write({ben.address()}, words)); }
  static MessageId id_of(const Message& message) { return chain::id_of(message.head); }
  /// As a light store has them.
  static std::vector<Message> heads(std::vector<Message> messages) {
    for (Message& message : messages) message.body.reset();
    return messages;
  }
  std::vector<MessageId> absent() { return absent_in(ben.mail).value(); }

  TestChain light{free_rules_text(), node::Keeps::heads};
};

TEST_F(AbsentTest, FindsMailByItsHeadAndEntersItWhenTheBodyComes) {
  const Message letter = to_ben("hello");
  const Message own = taken(ana.write({ana.address()}, "note to myself"));
  light.append(heads({letter, own}));
  EXPECT_EQ(ben.inbox(light), Words{});
  EXPECT_EQ(absent(), std::vector{id_of(letter)});
  EXPECT_TRUE(is_absent(ben.mail, id_of(letter)).value());
  EXPECT_FALSE(is_absent(ben.mail, id_of(own)).value());
  light.append_empty(3);
  EXPECT_EQ(ben.inbox(light), Words{});
  light.complete(letter);
  EXPECT_EQ(ben.inbox(light), Words{"hello"});
  EXPECT_TRUE(absent().empty());
  light.complete(own);
  EXPECT_EQ(ben.inbox(light), Words{"hello"});
}

TEST_F(AbsentTest, IsOfNoConcernWhereBodiesAreDropped) {
  const Message letter = to_ben("hello");
  chain.append(heads({letter}));
  EXPECT_EQ(ben.inbox(chain), Words{});
  EXPECT_TRUE(absent().empty());
}

TEST_F(AbsentTest, WaitsOverAReorganisation) {
  const Message letter = to_ben("hello");
  light.append(heads({letter}));
  EXPECT_EQ(ben.inbox(light), Words{});
  light.reorganise(1, {{}, heads({letter})});
  EXPECT_EQ(ben.inbox(light), Words{});
  EXPECT_EQ(absent(), std::vector{id_of(letter)});
  light.complete(letter);
  EXPECT_EQ(ben.inbox(light), Words{"hello"});
  EXPECT_TRUE(absent().empty());
}

TEST_F(AbsentTest, CardsThatComeLateAreFiled) {
  const MessageId id = ana.write({ben.address()}, "hello");
  (void)id;
  const Card card = ben.cards.cards_of(ana.address()).value().cards.front();
  light.append(heads({card.message}));
  Person cleo(3);
  ASSERT_TRUE(cleo.cards.collect(light.store()));
  EXPECT_TRUE(cleo.cards.cards_of(ana.address()).value().cards.empty());
  light.complete(card.message);
  EXPECT_EQ(cleo.cards.collect(light.store()).value().cards, 1U);
  EXPECT_EQ(cleo.cards.cards_of(ana.address()).value().cards.size(), 1U);
}

TEST_F(AbsentTest, IsAskedForAmongOthersInNoTellingOrder) {
  std::vector<Message> crowd;
  for (int i = 0; i < 20; ++i) crowd.push_back(to_ben(std::to_string(i)));
  for (int block = 0; block < 4; ++block)
    light.append(heads({crowd.begin() + 5 * block, crowd.begin() + 5 * (block + 1)}));
  std::set<std::size_t> places;
  for (int i = 0; i < 20; ++i) {
    const MessageId ours = id_of(crowd[static_cast<std::size_t>(i)]);
    Decoys decoys(light.store(), ben.entropy, ben.clock.now());
    const auto all = decoys.among({ours}).value();
    EXPECT_EQ(all.size(), 1 + kDecoys);
    EXPECT_TRUE(std::ranges::is_sorted(all));
    const auto at = std::ranges::find(all, ours);
    ASSERT_NE(at, all.end());
    places.insert(static_cast<std::size_t>(at - all.begin()));
  }
  EXPECT_GE(places.size(), 4U);  // Of eight.
}

TEST_F(AbsentTest, ItsPlaceAmongTheEightTellsNothing) {
  std::vector<MessageId> crowd;  // In the order of the chain.
  for (int i = 0; i < 24; ++i) {
    const Message one = to_ben(std::to_string(i));
    light.append(heads({one}));
    crowd.push_back(id_of(one));
  }
  const auto asked_for = [&](std::size_t ours) {
    return Decoys(light.store(), ben.entropy, ben.clock.now()).among({crowd[ours]}).value();
  };
  // In the middle it may be any of the eight, which follow one another.
  std::set<std::size_t> ranks;
  for (int i = 0; i < 200; ++i) {
    const auto all = asked_for(12);
    ASSERT_EQ(all.size(), 1 + kDecoys);
    std::vector<std::size_t> places;
    for (const MessageId& id : all)
      places.push_back(static_cast<std::size_t>(std::ranges::find(crowd, id) - crowd.begin()));
    std::ranges::sort(places);
    EXPECT_EQ(places.back() - places.front(), kDecoys);
    ranks.insert(12 - places.front());
  }
  EXPECT_EQ(ranks.size(), 1 + kDecoys);
  // At the end all eight ask for the same.
  std::vector<MessageId> newest(crowd.end() - 8, crowd.end());
  std::ranges::sort(newest);
  for (std::size_t ours = 17; ours < 24; ++ours) EXPECT_EQ(asked_for(ours), newest);
}

TEST_F(AbsentTest, OthersAreOfItsKindAndNotHereEither) {
  const Message ours = to_ben("ours");
  const Message open = ben.cards.cards_of(ana.address()).value().cards.front().message;
  const Message here = to_ben("here");
  std::vector<Message> messages = heads({ours, open, here});
  messages.back().body = here.body;
  light.append(messages);
  Decoys decoys(light.store(), ben.entropy, ben.clock.now());
  EXPECT_EQ(decoys.among({id_of(ours)}).value(), std::vector{id_of(ours)});
  EXPECT_EQ(decoys.among({MessageId()}).value(), std::vector{MessageId()});
}

TEST_F(AbsentTest, WhatWasSentStaysInTheOutboxUntilTheChainHasIt) {
  const Message sent = to_ben("sent");
  light.append(heads({sent}));
  light.append_empty(8);
  const auto buried = [&] {
    const auto found = scan(light.store(), ana.mail, ana.keys(), ana.outbox, ana.entropy, {});
    return found.value().done.size();
  };
  EXPECT_EQ(buried(), 0U);
  light.complete(sent);
  EXPECT_EQ(buried(), 1U);
}

TEST_F(AbsentTest, AReaderRemembersWhatItPassed) {
  MailChange change;
  set_late(change, "bot", MessageId::filled(1));
  set_late(change, "other", MessageId::filled(2));
  ASSERT_TRUE(ben.mail.apply(change));
  EXPECT_EQ(late_for(ben.mail, "bot").value(), std::vector{MessageId::filled(1)});
  MailChange back;
  clear_late(back, "bot", MessageId::filled(1));
  ASSERT_TRUE(ben.mail.apply(back));
  EXPECT_TRUE(late_for(ben.mail, "bot").value().empty());
  EXPECT_EQ(late_for(ben.mail, "other").value().size(), 1U);
}

}  // namespace
}  // namespace bmsg::mail
