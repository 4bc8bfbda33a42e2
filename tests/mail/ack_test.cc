#include "lib/mail/ack.h"

#include <gtest/gtest.h>

#include "tests/mail/person.h"

namespace bmsg::mail {
namespace {

class AckTest : public testing::Test, public TwoPersons {
 protected:
  AckTest() {
    Letter letter = ana.letter({ben.address()}, "did you read this?");
    letter.content.ask_ack = true;
    id = send(letter, ana.context(), {}).value().at(0).id;
    ana.hand_over(chain);
    asked = ben.item(chain, id).summary;
  }
  Result<std::vector<Sent>> answer() { return acknowledge(id, asked, ben.mail, ben.context(), {}); }
  std::optional<UnixSeconds> seen_by_ana() {
    ana.scan_all(chain);
    return acknowledged(ana.mail, ana.keyring.archive, id, ben.address()).value();
  }
  ContactBook book(AckPolicy policy, Trust trust = Trust::known) {
    ContactBook made;
    Contact contact;
    contact.name = "ana";
    contact.address = ana.address();
    contact.ack = policy;
    contact.trust = trust;
    check(bool(made.add(contact)), "no contact");
    return made;
  }

  MessageId id;
  Summary asked;
};

TEST_F(AckTest, TellsTheSender) {
  EXPECT_EQ(seen_by_ana(), std::nullopt);
  ASSERT_EQ(answer().value().size(), 1u);
  EXPECT_EQ(seen_by_ana(), std::nullopt);
  ben.hand_over(chain);
  EXPECT_TRUE(seen_by_ana());
}

TEST_F(AckTest, IsNoMailToRead) {
  ASSERT_EQ(answer().value().size(), 1u);
  ben.hand_over(chain);
  EXPECT_EQ(ana.inbox(chain).size(), 1u);  // What she sent.
  EXPECT_TRUE(ana.mail.with_flag("unread").value().empty());
}

TEST_F(AckTest, IsSentOnce) {
  ASSERT_EQ(answer().value().size(), 1u);
  EXPECT_TRUE(answer().value().empty());
  ben.hand_over(chain);
  EXPECT_TRUE(answer().value().empty());
  // Nor where another device of his has sent it: only the index knows.
  ben.scan_all(chain);
  const auto keys = ben.outbox.directory() / "keys";
  for (const auto& name : ben.disk.list(keys).value()) ASSERT_TRUE(ben.disk.remove(keys / name));
  EXPECT_TRUE(answer().value().empty());
}

TEST_F(AckTest, IsOneOfEachIdentityThatTheMessageWasFor) {
  ben.keyring.identities.push_back(make_identity("work", 1, ben.entropy).value());
  const IdentityKey second = ben.keyring.identities[1].address();
  asked.to.push_back({second, ""});
  EXPECT_EQ(answer().value().size(), 2u);
  EXPECT_TRUE(answer().value().empty());
  ben.hand_over(chain);
  EXPECT_TRUE(seen_by_ana());
  EXPECT_TRUE(acknowledged(ana.mail, ana.keyring.archive, id, second).value());
}

TEST_F(AckTest, OfSomebodyElseDoesNotCount) {
  Person eve(3, "eve");
  eve.knows(ana.new_card());
  ASSERT_EQ(acknowledge(id, asked, eve.mail, eve.context(), {}).value().size(), 1u);
  eve.hand_over(chain);
  EXPECT_EQ(seen_by_ana(), std::nullopt);
  EXPECT_TRUE(acknowledged(ana.mail, ana.keyring.archive, id, eve.address()).value());
}

TEST_F(AckTest, ByItselfGoesToContactsAsTheirPolicySays) {
  Summary plain = asked;
  plain.ask_ack = false;
  EXPECT_FALSE(acknowledges(asked, ContactBook()));
  EXPECT_FALSE(acknowledges(asked, book(AckPolicy::never)));
  EXPECT_TRUE(acknowledges(asked, book(AckPolicy::asked)));
  EXPECT_FALSE(acknowledges(plain, book(AckPolicy::asked)));
  EXPECT_TRUE(acknowledges(plain, book(AckPolicy::read)));
  EXPECT_FALSE(acknowledges(asked, book(AckPolicy::read, Trust::blocked)));
}

TEST_F(AckTest, NeverAnswersAnAcknowledgementNorABadSignature) {
  Summary ack = asked;
  ack.kind = Kind::ack;
  EXPECT_FALSE(acknowledges(ack, book(AckPolicy::read)));
  Summary forged = asked;
  forged.signature = SignatureState::bad;
  EXPECT_FALSE(acknowledges(forged, book(AckPolicy::read)));
  EXPECT_FALSE(acknowledge(id, forged, ben.mail, ben.context(), {}));
}

}  // namespace
}  // namespace bmsg::mail
