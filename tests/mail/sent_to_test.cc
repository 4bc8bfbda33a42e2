// One person on two machines: who can read what, and what is said of it.

#include <gtest/gtest.h>

#include "lib/mail/ack.h"
#include "lib/mail/pairing.h"
#include "lib/mail/sent_to.h"
#include "tests/mail/person.h"

namespace bmsg::mail {
namespace {

/// Ana's second machine: her identity, as device 9, with prekeys of its own.
class DevicesTest : public testing::Test, public TwoPersons {
 protected:
  DevicesTest() {
    Pairing pairing = pairing_of(ana.keyring, nullptr, {});
    laptop.keyring.identities = std::move(pairing.keyring.identities);
    laptop.self().device = 9;
    const Card card = laptop.new_card();
    ana.knows(card);
    ben.knows(card);
    for (const Card& known : ben.cards.cards_of(ana.address()).value().cards) laptop.knows(known);
    laptop.knows(ana.cards.cards_of(ben.address()).value().cards[0]);
    laptop.hand_over(chain);
  }
  Person laptop{3, "unused"};
};

TEST_F(DevicesTest, BothReadWhatIsSentToThem) {
  const MessageId id = ben.write({ana.address()}, "to Ana");
  ben.hand_over(chain);
  for (Person* one : {&ana, &laptop}) {
    const MailItem item = one->item(chain, id);
    EXPECT_EQ(item.summary.direction, Direction::in);
    EXPECT_EQ(item.flags, Flags{"unread"});
    EXPECT_EQ(one->read(chain, id).opened.content.content, to_bytes(as_bytes("to Ana")));
  }
}

TEST_F(DevicesTest, WhatOneSentTheOtherHasAsSent) {
  const MessageId id = laptop.write({ben.address()}, "from the laptop");
  laptop.hand_over(chain);
  const MailItem item = ana.item(chain, id);
  EXPECT_EQ(item.summary.direction, Direction::out);
  EXPECT_EQ(item.summary.device, 9);
  EXPECT_EQ(item.summary.identity(), ana.address());
  EXPECT_EQ(item.summary.to, (std::vector<Addressee>{{ben.address(), {}}}));
  EXPECT_EQ(item.flags, Flags{});
  EXPECT_EQ(ana.read(chain, id).opened.content.content, to_bytes(as_bytes("from the laptop")));

  const MailItem received = ben.item(chain, id);
  EXPECT_EQ(received.summary.direction, Direction::in);
  EXPECT_EQ(received.summary.to, (std::vector<Addressee>{{ben.address(), "ben"}}));
}

TEST_F(DevicesTest, WhatOneWroteToHerselfIsToBeReadOnTheOther) {
  const MessageId id = laptop.write({ana.address(), ben.address()}, "a note");
  laptop.hand_over(chain);
  const MailItem item = ana.item(chain, id);
  EXPECT_EQ(item.summary.direction, Direction::in);
  EXPECT_EQ(item.summary.to, (std::vector<Addressee>{{ana.address(), "ana"}, {ben.address(), {}}}));
}

TEST_F(DevicesTest, NobodyElseLearnsToWhomItWent) {
  const MessageId id = laptop.write({ben.address()}, "x");
  laptop.hand_over(chain);
  ben.scan_all(chain);
  const Bytes record = ben.read(chain, id).opened.content.sent_to;
  ASSERT_EQ(record.size(), 12u + 32 + 16);
  EXPECT_TRUE(open_sent_to(sent_to_key(ben.self().seed), record).empty());
  EXPECT_EQ(open_sent_to(sent_to_key(ana.self().seed), record),
            std::vector<IdentityKey>{ben.address()});
}

TEST_F(DevicesTest, ALoneDeviceSaysNothingOfIt) {
  const MessageId id = ben.write({ana.address()}, "x");
  ben.hand_over(chain);
  ana.scan_all(chain);
  EXPECT_TRUE(ana.read(chain, id).opened.content.sent_to.empty());
}

TEST_F(DevicesTest, AcknowledgeOnceBetweenThem) {
  Letter letter = ben.letter({ana.address()}, "did you read this?");
  letter.content.ask_ack = true;
  const MessageId id = send(letter, ben.context(), {}).value().at(0).id;
  ben.hand_over(chain);
  const Summary asked = ana.item(chain, id).summary;
  ASSERT_EQ(acknowledge(id, asked, ana.mail, ana.context(), {}).value().size(), 1u);
  ana.hand_over(chain);
  laptop.scan_all(chain);
  EXPECT_TRUE(acknowledge(id, asked, laptop.mail, laptop.context(), {}).value().empty());
  EXPECT_TRUE(laptop.mail.with_flag("unread").value() == std::vector<MessageId>{id})
      << "an acknowledgement is no mail to read";
  ben.scan_all(chain);
  EXPECT_TRUE(acknowledged(ben.mail, ben.keyring.archive, id, ana.address()).value());
}

TEST_F(DevicesTest, AcknowledgementsReachBoth) {
  Letter letter = laptop.letter({ben.address()}, "did you read this?");
  letter.content.ask_ack = true;
  const MessageId id = send(letter, laptop.context(), {}).value().at(0).id;
  laptop.hand_over(chain);
  const Summary asked = ben.item(chain, id).summary;
  ASSERT_EQ(acknowledge(id, asked, ben.mail, ben.context(), {}).value().size(), 1u);
  ben.hand_over(chain);
  for (Person* one : {&ana, &laptop}) {
    one->scan_all(chain);
    EXPECT_TRUE(acknowledged(one->mail, one->keyring.archive, id, ben.address()).value());
  }
}

TEST(SentTo, HidesTheNumberAmongPowersOfTwo) {
  FakeEntropy entropy;
  const auto key = sent_to_key(secret(1));
  for (const std::size_t count : {0u, 1u, 2u, 3u, 4u, 5u, 33u, 64u, 65u}) {
    std::vector<Addressee> to;
    std::vector<IdentityKey> expected;
    for (std::size_t i = 0; i < count; ++i) {
      to.push_back({IdentityKey::filled(static_cast<std::uint8_t>(i + 1)), {}});
      if (i < kSentToMax) expected.push_back(to.back().address);
    }
    const Bytes record = seal_sent_to(key, to, entropy).value();
    const std::size_t places = (record.size() - 28) / 32;
    EXPECT_EQ(places, count == 0    ? 1u
                      : count == 3  ? 4u
                      : count == 5  ? 8u
                      : count >= 33 ? 64u
                                    : count);
    EXPECT_EQ(open_sent_to(key, record), expected);
  }
}

TEST(SentTo, IsNothingUnlessWhole) {
  FakeEntropy entropy;
  const auto key = sent_to_key(secret(1));
  const Bytes good = seal_sent_to(key, {{identity(2), {}}}, entropy).value();
  ASSERT_EQ(open_sent_to(key, good).size(), 1u);
  for (std::size_t at = 0; at < good.size(); ++at) {
    Bytes bad = good;
    bad[at] ^= 1;
    EXPECT_TRUE(open_sent_to(key, bad).empty()) << at;
    EXPECT_TRUE(open_sent_to(key, ByteView(good).first(at)).empty()) << at;
  }
  EXPECT_TRUE(open_sent_to(sent_to_key(secret(2)), good).empty());
}

}  // namespace
}  // namespace bmsg::mail
