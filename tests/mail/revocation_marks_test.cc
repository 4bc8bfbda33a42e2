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
    item.summary.device = device;
    if (height) item.block = node::MessagePlace{{}, Height{*height}, 0, node::Branch::main};
    return RevocationMarks(cards, chain.store()).is_after(item).value();
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

TEST_F(Marks, SparesTheAnonymous) {
  revoke(kWholeIdentity);
  EXPECT_FALSE(RevocationMarks(cards, chain.store()).is_after(MailItem()).value());
}

}  // namespace
}  // namespace bmsg::mail
