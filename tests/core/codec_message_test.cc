// Bytes of heads and messages: the worked example, and one encoding for each value.

#include <gtest/gtest.h>

#include "lib/core/codec.h"
#include "tests/support/seed.h"
#include "tests/vectors/golden.h"

namespace bmsg {
namespace {

MessageHead head_with_keys(Suite suite, std::size_t bytes) {
  MessageHead head;
  head.suite = suite;
  head.key_section = Bytes(bytes, 7);
  return head;
}

Message example() {
  return Message{decode_head(golden::bytes(golden::kSealHead)).value(), golden::kSealNonce,
                 golden::bytes(golden::kSealBody)};
}

TEST(HeadCodec, ReadsTheWorkedExample) {
  const MessageHead post = decode_head(golden::bytes(golden::kPostHead)).value();
  EXPECT_EQ(post.suite, Suite::open);
  EXPECT_EQ(post.chain, prefix_of<ChainTag>(golden::fixed<ChainId>(golden::kChainId)));
  EXPECT_EQ(as_text(post.topic.view()), "news");
  EXPECT_EQ(post.time, golden::kMessageTime);
  EXPECT_EQ(post.ttl, 30u * 86400);
  EXPECT_EQ(post.body_bytes, golden::bytes(golden::kPostBody).size());
  EXPECT_EQ(to_hex(encode(post)), golden::kPostHead);

  const MessageHead seal = decode_head(golden::bytes(golden::kSealHead)).value();
  EXPECT_EQ(seal.suite, Suite::sealed);
  EXPECT_EQ(seal.key_section.size(), 80u);
  EXPECT_EQ(to_hex(ByteView(seal.key_section).first(32)), golden::kSealEnc);
  EXPECT_EQ(seal.head_bytes(), 176u);
  EXPECT_EQ(to_hex(encode(seal)), golden::kSealHead);
}

TEST(HeadCodec, HasTheSizesOfTheFormat) {
  EXPECT_EQ(encode(head_with_keys(Suite::open, 0)).size(), 96u);
  EXPECT_EQ(encode(head_with_keys(Suite::sealed, 32 + 48)).size(), 176u);
  EXPECT_EQ(encode(head_with_keys(Suite::sealed_secp256k1, 65 + 48)).size(), 209u);
}

TEST(HeadCodec, HoldsKeySectionsToTheirSuite) {
  const auto decodes = [](Suite suite, std::size_t bytes) {
    const MessageHead head = head_with_keys(suite, bytes);
    const auto read = decode_head(encode(head));
    EXPECT_TRUE(!read || read.value() == head);
    EXPECT_EQ(bool(read), key_section_fits(suite, bytes));
    return bool(read);
  };
  for (const Suite suite : {Suite::open, Suite::chunk, Suite::charter}) {
    EXPECT_TRUE(decodes(suite, 0));
    EXPECT_FALSE(decodes(suite, 1));
    EXPECT_FALSE(decodes(suite, 80));
  }
  for (std::size_t slots = 1; slots <= 64; ++slots) {
    EXPECT_TRUE(decodes(Suite::sealed, 32 + 48 * slots));
    EXPECT_FALSE(decodes(Suite::sealed, 31 + 48 * slots));
    EXPECT_FALSE(decodes(Suite::sealed, 33 + 48 * slots));
    EXPECT_TRUE(decodes(Suite::sealed_secp256k1, 65 + 48 * slots));
    EXPECT_FALSE(decodes(Suite::sealed_secp256k1, 32 + 48 * slots));
  }
  for (const std::size_t bytes : {0u, 31u, 32u, 32u + 48 * 65}) {
    EXPECT_FALSE(decodes(Suite::sealed, bytes)) << bytes;
  }
  for (const std::size_t bytes : {0u, 64u, 65u, 65u + 48 * 65}) {
    EXPECT_FALSE(decodes(Suite::sealed_secp256k1, bytes)) << bytes;
  }
  for (const std::size_t bytes : {0u, 1u, 65535u}) {
    EXPECT_TRUE(decodes(Suite{5}, bytes));
    EXPECT_TRUE(decodes(Suite{255}, bytes));
  }
  EXPECT_FALSE(key_section_fits(Suite{5}, 65536));
}

TEST(HeadCodec, RefusesAnotherMagicAndReservedByte) {
  for (const std::size_t at : {0u, 3u, 5u}) {
    Bytes bytes = golden::bytes(golden::kPostHead);
    bytes[at] ^= 1;
    const auto head = decode_head(bytes);
    ASSERT_FALSE(head);
    EXPECT_EQ(head.error().code, Errc::bad_input);
  }
}

TEST(HeadCodec, RefusesEveryTruncationAndTrailingBytes) {
  for (const auto hex : {golden::kPostHead, golden::kSealHead}) {
    Bytes bytes = golden::bytes(hex);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(decode_head(ByteView(bytes).first(size))) << size;
    }
    bytes.push_back(0);
    EXPECT_FALSE(decode_head(bytes));
  }
}

TEST(MessageCodec, DecodesToWhatWasEncoded) {
  const Bytes bytes = encode(example());
  EXPECT_EQ(bytes.size(), golden::kSealSize);
  EXPECT_EQ(bytes.size(), example().head.encoded_bytes());
  EXPECT_EQ(decode_message(bytes).value(), example());
}

TEST(MessageCodec, RefusesEveryTruncationAndTrailingBytes) {
  Bytes bytes = encode(example());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_message(ByteView(bytes).first(size))) << size;
  }
  bytes.push_back(0);
  EXPECT_FALSE(decode_message(bytes));
}

TEST(MessageCodec, TakesNoMemoryForALengthThatIsOnlyClaimed) {
  Bytes bytes = encode(example());
  for (std::size_t i = 28; i < 32; ++i) bytes[i] = 0xff;
  EXPECT_FALSE(decode_message(bytes));
}

TEST(MessageCodec, EncodesNoMessageWithoutItsBody) {
  Message message = example();
  message.body->pop_back();
  EXPECT_DEATH((void)encode(message), "another length");
  message.body.reset();
  EXPECT_DEATH((void)encode(message), "without its body");
}

TEST(MessageCodec, EncodesWhatDecodesToTheSameBytes) {
  auto numbers = seeded_numbers();
  int decoded = 0;
  for (int round = 0; round < 50'000; ++round) {
    Bytes bytes = mutated(numbers, encode(example()));
    if (round % 2 == 0) bytes = mutated(numbers, bytes);
    const auto message = decode_message(bytes);
    if (!message) continue;
    ++decoded;
    EXPECT_EQ(encode(message.value()), bytes);
  }
  EXPECT_GT(decoded, 1'000);
}

TEST(MessageHead, ExpiresBeyond32Bits) {
  MessageHead head;
  head.time = 0xffffffff;
  head.ttl = 0xffffffff;
  EXPECT_EQ(head.expiry(), 0x1fffffffeu);
  head.body_bytes = 0xffffffff;
  EXPECT_EQ(head.encoded_bytes(), std::size_t{0xffffffff} + 96 + 8);
}

}  // namespace
}  // namespace bmsg
