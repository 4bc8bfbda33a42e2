// Files of ours, judged without a key: whole, or with any one bit altered.

#include <gtest/gtest.h>

#include "lib/core/codec.h"
#include "lib/crypto/sha512.h"
#include "lib/mail/card.h"
#include "lib/mail/conversation.h"
#include "lib/mail/held.h"
#include "tests/mail/support.h"
#include "tests/support/fake_clock.h"
#include "tests/support/temp_dir.h"

namespace bmsg::mail {
namespace {

constexpr std::size_t kMost = 1 << 20;

template <class Judge>
void expect_no_bit_may_differ(const Bytes& whole, Judge is_whole) {
  ASSERT_TRUE(is_whole(whole));
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    Bytes altered = whole;
    altered[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(is_whole(altered)) << "bit " << bit;
  }
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(is_whole(ByteView(whole).first(size))) << size << " bytes";
  }
}

class ConversationFile : public testing::Test {
 protected:
  Bytes after(int messages) {
    const ConversationKey key{.sender = identity(1), .device = 0, .to = {identity(2)}, .scope = {}};
    for (int i = 1; i <= messages; ++i) {
      auto taken = Conversation::take(disk_, temp_.path() / "seq", key, secret(9),
                                      std::chrono::milliseconds(0), clock_);
      EXPECT_TRUE(taken.value().used(MessageId::filled(static_cast<std::uint8_t>(i))));
    }
    for (const auto& entry : std::filesystem::directory_iterator(temp_.path() / "seq")) {
      if (entry.path().extension() != ".lock") return *disk_.read(entry.path(), kMost).value();
    }
    ADD_FAILURE() << "no file";
    return {};
  }

  TempDir temp_;
  SystemDisk disk_;
  FakeClock clock_;
};

TEST_F(ConversationFile, OfOnePlaceIsWholeOrNot) {
  expect_no_bit_may_differ(after(1), is_whole_conversation);
}

TEST_F(ConversationFile, OfThreeIsWholeWhileOneOfThemIs) {
  Bytes bytes = after(3);
  ASSERT_GT(bytes.size(), 8192u);
  bytes[4096 + 10] ^= 1;
  EXPECT_TRUE(is_whole_conversation(bytes));
  bytes[8192 + 10] ^= 1;
  EXPECT_TRUE(is_whole_conversation(bytes));
  bytes[10] ^= 1;
  EXPECT_FALSE(is_whole_conversation(bytes));
  bytes[4096 + 10] ^= 1;
  EXPECT_TRUE(is_whole_conversation(bytes));
}

TEST(HeldFile, IsWholeOrNot) {
  Bytes bytes = to_bytes("bmL1");
  bytes.push_back(1);
  append(bytes, Bytes(40, 7));
  append(bytes, crypto::sha512(bytes).view());
  expect_no_bit_may_differ(bytes, is_whole_held);
}

TEST(CardFile, IsWholeOrNot) {
  const CardDraft draft{.name = {},
                        .device = 0,
                        .seq = 1,
                        .prekey = Prekey::from(prekey(0xb0)),
                        .inbox = {},
                        .time = golden::kMessageTime};
  const Message message =
      std::move(make_card(example_chain(), draft, secret(2)).value()).with_nonce(0);
  const Bytes bytes = encode(message);
  ASSERT_TRUE(is_whole_card(bytes, example_chain().id));
  EXPECT_FALSE(is_whole_card(bytes, ChainId::filled(1)));
  const std::size_t nonce = message.head.head_bytes();  // Proves work, and is no part of the card.
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    if (bit / 8 >= nonce && bit / 8 < nonce + 8) continue;
    Bytes altered = bytes;
    altered[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(is_whole_card(altered, example_chain().id)) << "bit " << bit;
  }
}

}  // namespace
}  // namespace bmsg::mail
