#include "lib/mail/card.h"

#include <gtest/gtest.h>

#include "lib/chain/block_hash.h"
#include "lib/core/base64.h"
#include "lib/core/codec.h"
#include "tests/mail/support.h"

namespace bmsg::mail {
namespace {

CardDraft draft(std::uint64_t seq = 1, std::uint8_t key = 0xb0) {
  return {.name = "bob",
          .seq = seq,
          .prekey = Prekey::from(prekey(key)),
          .inbox = {},
          .time = golden::kMessageTime};
}

Message card_message(const CardDraft& wanted) {
  return std::move(make_card(example_chain(), wanted, secret(2)).value()).with_nonce(0);
}

Card card(const CardDraft& wanted) {
  return read_card(card_message(wanted), example_chain().id).value();
}

/// A signed message of kind card with other content, as a broken or hostile program makes it.
Message signed_content(const Content& content) {
  const auto bob = secret(2);
  return std::move(post(example_chain(), content, &bob, month()).value()).with_nonce(0);
}

Content card_content() {
  Content content;
  content.kind = Kind::card;
  content.seq = 1;
  content.prekey = OfferedKey{1, prekey(0xb0)};
  content.inbox = InboxPrefix{};
  return content;
}

bool is_card(const Content& content) {
  const auto read = read_card(signed_content(content), example_chain().id);
  EXPECT_TRUE(read || read.error().code == Errc::bad_input);
  return bool(read);
}

TEST(Card, ComesBackAsItWasMade) {
  CardDraft wanted = draft(7);
  wanted.device = 3;
  wanted.inbox = {8, Topic({0xab, 0, 0, 0})};
  const Card read = card(wanted);
  EXPECT_EQ(read.identity, identity(2));
  EXPECT_EQ(read.device, 3);
  EXPECT_EQ(read.seq, 7u);
  EXPECT_EQ(read.name, "bob");
  EXPECT_EQ(read.prekey.view().size(), 32u);
  EXPECT_EQ(to_bytes(read.prekey.view()), prekey(0xb0));
  EXPECT_EQ(read.inbox, wanted.inbox);
  EXPECT_EQ(read.expires().value, golden::kMessageTime + kCardSeconds);
}

TEST(Card, HoldsUntilItsTimeIsOver) {
  const Card read = card(draft());
  EXPECT_TRUE(read.usable_at({golden::kMessageTime + kCardSeconds - 1}));
  EXPECT_FALSE(read.usable_at({golden::kMessageTime + kCardSeconds}));
}

TEST(Card, IsOneLineOfTextBothWays) {
  const Card made = card(draft());
  const std::string text = to_text(made);
  EXPECT_TRUE(text.starts_with("bmsg-card "));
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto read = card_from_text(" " + text + "\r\n", example_chain().id);
  ASSERT_TRUE(read);
  EXPECT_EQ(read.value().message, made.message);
}

TEST(Card, RefusesTextThatIsNone) {
  const std::string text = to_text(card(draft()));
  for (const std::string& bad :
       {std::string(), std::string("bmsg-card"), std::string("bmsg-card "), "x" + text,
        text.substr(0, text.size() - 1), text + "A", text + "=", text.substr(10)}) {
    EXPECT_EQ(card_from_text(bad, example_chain().id).error().code, Errc::bad_input) << bad;
  }
}

TEST(Card, IsRefusedForAnotherChain) {
  EXPECT_FALSE(read_card(card_message(draft()), ChainId::filled(1)));
  ChainId cousin = example_chain().id;  // The same tag, another chain.
  cousin.data()[63] ^= 1;
  EXPECT_FALSE(read_card(card_message(draft()), cousin));
}

TEST(Card, IsRefusedWhenAnyBitOfItsBodyIsChanged) {
  const Message good = card_message(draft());
  for (std::size_t bit = 0; bit < 8 * good.body->size(); ++bit) {
    Message bad = good;
    (*bad.body)[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(read_card(bad, example_chain().id));
    bad.head.body_hash = chain::body_hash_of(*bad.body);
    EXPECT_FALSE(read_card(bad, example_chain().id)) << "bit " << bit;
  }
}

TEST(Card, IsJudgedAnewWhereAnythingDiffersFromOneThatWasGood) {
  const Message good = card_message(draft());
  const auto read = [](const Message& message) { return read_card(message, example_chain().id); };
  for (int times = 0; times < 2; ++times) {
    ASSERT_TRUE(read(good));
    EXPECT_EQ(read(good).value().message, good);
    Message bad = good;
    bad.body->back() ^= 1;
    EXPECT_FALSE(read(bad));
    bad = good;
    bad.head.ttl += 1;
    EXPECT_FALSE(read(bad));
    EXPECT_FALSE(read_card(good, ChainId::filled(1)));
    // More cards than are remembered.
    for (std::uint64_t seq = 1; seq < 9; ++seq) {
      EXPECT_EQ(read(card_message(draft(seq))).value().seq, seq);
    }
  }
}

TEST(Card, IsRefusedWhenItsHeadIsChanged) {
  Message bad = card_message(draft());
  bad.head.ttl += 1;  // Would hold for longer than its owner said.
  EXPECT_FALSE(read_card(bad, example_chain().id));
  bad = card_message(draft());
  bad.head.time += 1;
  EXPECT_FALSE(read_card(bad, example_chain().id));
  bad = card_message(draft());
  bad.nonce = 12345;  // Stamped again: the same card.
  EXPECT_TRUE(read_card(bad, example_chain().id));
}

TEST(Card, NeedsEachOfItsRecords) {
  EXPECT_TRUE(is_card(card_content()));
  Content content = card_content();
  content.kind = Kind::text;
  EXPECT_FALSE(is_card(content));
  content = card_content();
  content.seq.reset();
  EXPECT_FALSE(is_card(content));
  content = card_content();
  content.prekey.reset();
  EXPECT_FALSE(is_card(content));
  content = card_content();
  content.prekey = OfferedKey{5, Bytes(1120)};
  EXPECT_FALSE(is_card(content));
  content = card_content();
  content.inbox.reset();
  EXPECT_FALSE(is_card(content));
}

TEST(Card, IsRefusedWithoutASignature) {
  const Message anonymous =
      std::move(post(example_chain(), card_content(), nullptr, month()).value()).with_nonce(0);
  EXPECT_FALSE(read_card(anonymous, example_chain().id));
}

TEST(Card, IsRefusedForAKeyUnderWhichAnybodyCanSign) {
  Message message = card_message(draft());
  Bytes& body = *message.body;
  Bytes weak(32);
  weak[0] = 1;
  std::ranges::copy(weak, body.begin() + 7);  // Kind 4, then type and length of the sender.
  std::ranges::copy(weak, body.end() - 64);   // R is the neutral point, and S is zero.
  std::ranges::fill(body.end() - 32, body.end(), std::uint8_t{0});
  message.head.body_hash = chain::body_hash_of(body);
  ASSERT_EQ(open_public(message, example_chain().id).content.sender, weak);
  EXPECT_FALSE(read_card(message, example_chain().id));
}

TEST(Card, IsToldFromOtherMessagesByItsKind) {
  EXPECT_TRUE(looks_like_card(card_message(draft())));
  EXPECT_FALSE(looks_like_card(signed_content(text("a"))));
  EXPECT_FALSE(looks_like_card(sealed_to({recipient(1, 2)}, "a")));
  Message bare = card_message(draft());
  bare.body.reset();
  EXPECT_FALSE(looks_like_card(bare));
}

TEST(Card, ComparesByNumberThenKey) {
  const Card first = card(draft(1, 0xb0));
  const Card second = card(draft(2, 0xb1));
  const Card other_second = card(draft(2, 0xb2));
  EXPECT_EQ(compare(second, first), CardOrder::newer);
  EXPECT_EQ(compare(first, second), CardOrder::older);
  EXPECT_EQ(compare(first, first), CardOrder::same);
  EXPECT_EQ(compare(other_second, second), CardOrder::conflict);

  CardDraft longer = draft(2, 0xb1);
  longer.ttl *= 2;
  EXPECT_EQ(compare(card(longer), second), CardOrder::newer);
  EXPECT_EQ(compare(second, card(longer)), CardOrder::same);
}

TEST(NewestCards, AreOneForEachDeviceWhateverTheOrder) {
  CardDraft other = draft(1, 0xc0);
  other.device = 9;
  for (const auto& order : {std::vector<int>{0, 1, 2}, {2, 1, 0}, {1, 2, 0}}) {
    const CardDraft drafts[] = {draft(1), draft(2, 0xb1), other};
    std::vector<Card> cards;
    for (const int i : order) cards.push_back(card(drafts[i]));
    const NewestCards found = newest(std::move(cards));
    ASSERT_EQ(found.cards.size(), 2u);
    EXPECT_EQ(found.cards[0].seq, 2u);
    EXPECT_EQ(found.cards[1].device, 9);
    EXPECT_FALSE(found.conflict);
  }
}

TEST(NewestCards, RaiseAnAlarmForOneNumberWithTwoKeys) {
  EXPECT_TRUE(newest({card(draft(1, 0xb0)), card(draft(1, 0xb1))}).conflict);
  EXPECT_TRUE(newest({card(draft(2, 0xb0)), card(draft(2, 0xb1)), card(draft(1))}).conflict);
}

TEST(NewestCards, ForgetTheAlarmOnceAHigherNumberIsThere) {
  EXPECT_FALSE(newest({card(draft(1, 0xb0)), card(draft(1, 0xb1)), card(draft(2, 0xb2))}).conflict);
  EXPECT_FALSE(newest({card(draft(2, 0xb2)), card(draft(1, 0xb0)), card(draft(1, 0xb1))}).conflict);
}

}  // namespace
}  // namespace bmsg::mail
