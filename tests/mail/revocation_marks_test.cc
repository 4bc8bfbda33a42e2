#include "lib/mail/revocation_marks.h"

#include <gtest/gtest.h>

#include "tests/mail/person.h"

namespace bmsg::mail {
namespace {

class Marks : public testing::Test {
 protected:
  /// A statement of this device, or of the identity, in the next block.
  void revoke(std::uint8_t scope) {
    const Bytes statement = make_statement(scope, ana.self().seed, nullptr);
    const auto made = post_statement(free_chain(), statement, UnixSeconds{golden::kMessageTime});
    const Message message = Sealed{made.value().head, made.value().body, {}}.with_nonce(0);
    chain.append({message});
    check(bool(cards.collect(chain.store())), "not collected");
  }
  bool after(std::optional<std::uint32_t> height, std::uint8_t device = 0) {
    MailItem item;
    item.summary.sender = to_bytes(ana.address().view());
    item.summary.signature = SignatureState::good;
    item.summary.device = device;
    if (height) item.block = node::MessagePlace{{}, Height{*height}, 0, node::Branch::main};
    return RevocationMarks(cards, chain.store()).is_after(item).value();
  }

  /// A public request to forget a message, as its author's key signs it.
  Message request(const MessageId& id) {
    ana.clock.advance(60);  // Another message each time.
    Letter letter;
    letter.audience = Audience::open;
    letter.content.kind = Kind::application;
    letter.content.media_type = kForgetType;
    letter.content.re = {id};
    return posted(letter);
  }
  Message posted(const Letter& letter) {
    const MessageId id = send(letter, ana.context(), {}).value().at(0).id;
    const auto entry = ana.outbox.find(id).value().value();
    return ana.outbox.read(entry).value()->message;
  }
  std::size_t owed() {
    check(bool(cards.collect(chain.store())), "not collected");
    return cards.forget_requests().owed().value().size();
  }
  MessageId text_in_block() {
    Letter letter = ana.letter({}, "said in public");
    letter.audience = Audience::open;
    const Message message = posted(letter);
    chain.append({message});
    return chain::id_of(message.head);
  }

  TestChain chain{free_rules_text()};
  Person ana{1, "ana"};
  CardDirectory& cards = ana.cards;
};

TEST_F(Marks, StandAboveTheFirstBlockOfTheStatementOnly) {
  EXPECT_FALSE(after(1));
  EXPECT_FALSE(after(std::nullopt));
  chain.append_empty(4);
  revoke(kWholeIdentity);
  EXPECT_FALSE(after(4));
  EXPECT_FALSE(after(5)) << "in the same block";
  EXPECT_TRUE(after(6));
  EXPECT_TRUE(after(std::nullopt)) << "what no block has can only come later";
  EXPECT_TRUE(after(6, 9)) << "another device of a revoked identity";
}

TEST_F(Marks, OfADeviceLeaveTheOthersAlone) {
  revoke(9);
  EXPECT_TRUE(after(2, 9));
  EXPECT_FALSE(after(1, 9));
  EXPECT_FALSE(after(2, 0));
}

TEST_F(Marks, DoNotComeFromAStatementThatNoBlockHas) {
  ASSERT_TRUE(
      cards.put_statement(make_statement(kWholeIdentity, ana.self().seed, nullptr), std::nullopt));
  EXPECT_FALSE(after(1));
  EXPECT_FALSE(after(std::nullopt));
}

TEST_F(Marks, MoveWithTheBlockInAReorganisation) {
  revoke(kWholeIdentity);
  EXPECT_TRUE(after(2));
  chain.reorganise(1, {{}, {}, {}});
  EXPECT_FALSE(after(2)) << "no block has it now";
}

// Whoever stole the key would have others forget what its owner wrote.
TEST_F(Marks, ARequestToForgetCountsUpToTheBlockOfTheRevocation) {
  const MessageId text = text_in_block();
  chain.append({request(text)});
  EXPECT_EQ(owed(), 1U) << "nobody has revoked anything";
  revoke(kWholeIdentity);
  chain.append({request(text)});
  EXPECT_EQ(owed(), 1U) << "above it";
}

TEST_F(Marks, ARequestToForgetInTheBlockOfTheRevocationCountsAndInNoBlockDoesNot) {
  const MessageId text = text_in_block();
  const Bytes statement = make_statement(kWholeIdentity, ana.self().seed, nullptr);
  const auto made = post_statement(free_chain(), statement, UnixSeconds{golden::kMessageTime});
  chain.append({Sealed{made.value().head, made.value().body, {}}.with_nonce(0), request(text)});
  EXPECT_EQ(owed(), 1U);
  chain.pool(request(text));
  EXPECT_EQ(owed(), 1U) << "in no block";
}

TEST_F(Marks, ARequestToForgetOfAnotherDeviceCounts) {
  const MessageId text = text_in_block();
  revoke(9);
  chain.append({request(text)});
  EXPECT_EQ(owed(), 1U);
}

TEST_F(Marks, SparesTheAnonymous) {
  revoke(kWholeIdentity);
  EXPECT_FALSE(RevocationMarks(cards, chain.store()).is_after(MailItem()).value());
}

}  // namespace
}  // namespace bmsg::mail
