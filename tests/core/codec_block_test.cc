// Bytes of headers, seals and blocks: the worked example, and one encoding for each value.

#include <gtest/gtest.h>

#include "lib/core/codec.h"
#include "tests/support/seed.h"
#include "tests/vectors/golden.h"

namespace bmsg {
namespace {

Message message_of(std::string_view head, std::uint64_t nonce, std::string_view body) {
  return Message{decode_head(golden::bytes(head)).value(), nonce, golden::bytes(body)};
}

SealEntry entry(std::uint8_t index) { return SealEntry{index, Signature::filled(index)}; }

Block example() {
  return Block{decode_header(golden::bytes(golden::kBlock1Header)).value(),
               {entry(0), entry(63)},
               {message_of(golden::kSealHead, golden::kSealNonce, golden::kSealBody),
                message_of(golden::kCardHead, golden::kCardNonce, golden::kCardBody),
                message_of(golden::kPostHead, golden::kPostNonce, golden::kPostBody)}};
}

Block light_example() {
  Block block = example();
  for (Message& message : block.messages) message.body.reset();
  return block;
}

TEST(HeaderCodec, ReadsTheWorkedExample) {
  const Header header = decode_header(golden::bytes(golden::kBlock1Header)).value();
  EXPECT_EQ(header.height, Height{1});
  EXPECT_EQ(header.time, UnixSeconds{1767225700});
  EXPECT_EQ(header.bits, CompactTarget{0x2000f3fc});
  EXPECT_EQ(header.count, 3u);
  EXPECT_EQ(header.rules, prefix_of<RulesTag>(golden::fixed<ChainId>(golden::kChainId)));
  EXPECT_EQ(header.previous, golden::fixed<BlockHash>(golden::kGenesisId));
  EXPECT_EQ(header.root, golden::fixed<MerkleRoot>(golden::kBlock1Root));
  EXPECT_EQ(header.past, golden::fixed<MerkleRoot>(golden::kBlock1Past));
  EXPECT_EQ(header.nonce, golden::kBlock1Nonce);
  EXPECT_EQ(to_hex(encode(header)), golden::kBlock1Header);
}

TEST(HeaderCodec, TakesEveryValueOfEveryField) {
  auto numbers = seeded_numbers();
  for (int round = 0; round < 1'000; ++round) {
    Bytes bytes = to_bytes("bmH1");
    append(bytes, random_bytes(numbers, kHeaderBytes - 4));
    EXPECT_EQ(encode(decode_header(bytes).value()), bytes);
  }
}

TEST(HeaderCodec, RefusesAnotherMagicEveryTruncationAndTrailingBytes) {
  Bytes bytes = golden::bytes(golden::kBlock1Header);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_header(ByteView(bytes).first(size))) << size;
  }
  Bytes longer = bytes;
  longer.push_back(0);
  EXPECT_FALSE(decode_header(longer));
  for (std::size_t bit = 0; bit < 32; ++bit) {
    Bytes other = bytes;
    other[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    EXPECT_FALSE(decode_header(other));
  }
}

TEST(SealCodec, ReadsTheWorkedExample) {
  const Bytes bytes = golden::bytes(golden::kEndorseSeal);
  ByteReader reader(bytes);
  const Seal seal = read_seal(reader).value();
  EXPECT_TRUE(reader.finished());
  ASSERT_EQ(seal.size(), 2u);
  EXPECT_EQ(seal[0].index, 0);
  EXPECT_EQ(seal[1].index, 2);
  Bytes out;
  append_seal(out, seal);
  EXPECT_EQ(out, bytes);
}

TEST(SealCodec, HoldsIndicesToTheirOrderAndNumber) {
  const auto decodes = [](std::vector<std::uint8_t> indices) {
    Bytes bytes = golden::bytes(golden::kBlock1Header);
    bytes.push_back(static_cast<std::uint8_t>(indices.size()));
    for (const std::uint8_t index : indices) {
      bytes.push_back(index);
      append(bytes, Signature().view());
    }
    const auto sealed = decode_sealed_header(bytes);
    EXPECT_TRUE(!sealed || encode(sealed.value()) == bytes);
    return bool(sealed);
  };
  EXPECT_TRUE(decodes({}));
  EXPECT_TRUE(decodes({63}));
  EXPECT_TRUE(decodes({0, 1, 63}));
  EXPECT_FALSE(decodes({64}));
  EXPECT_FALSE(decodes({1, 0}));
  EXPECT_FALSE(decodes({1, 1}));
  std::vector<std::uint8_t> all(64);
  for (std::uint8_t i = 0; i < 64; ++i) all[i] = i;
  EXPECT_TRUE(decodes(all));
  all.push_back(64);
  EXPECT_FALSE(decodes(all));
}

TEST(SealCodec, EncodesNoSealThatDecodesToNothing) {
  Bytes out;
  EXPECT_DEATH(append_seal(out, Seal(65)), "too many signatures");
}

TEST(SealedHeaderCodec, RefusesEveryTruncationAndTrailingBytes) {
  const Block block = example();
  Bytes bytes = encode(SealedHeader{block.header, block.seal});
  EXPECT_EQ(bytes.size(), kHeaderBytes + 1 + 2 * 65);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_sealed_header(ByteView(bytes).first(size))) << size;
  }
  bytes.push_back(0);
  EXPECT_FALSE(decode_sealed_header(bytes));
}

TEST(BlockCodec, DecodesToWhatWasEncodedWithAndWithoutBodies) {
  EXPECT_EQ(decode_block(encode(example())).value(), example());
  EXPECT_EQ(decode_block(encode(light_example())).value(), light_example());
  Block mixed = example();
  mixed.messages[1].body.reset();
  EXPECT_EQ(decode_block(encode(mixed)).value(), mixed);
}

TEST(BlockCodec, RefusesEveryTruncationAndTrailingBytes) {
  for (const Block& block : {example(), light_example()}) {
    Bytes bytes = encode(block);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(decode_block(ByteView(bytes).first(size))) << size;
    }
    bytes.push_back(0);
    EXPECT_FALSE(decode_block(bytes));
  }
}

TEST(BlockCodec, TakesNoMemoryForACountThatIsOnlyClaimed) {
  for (const std::uint32_t count : {0u, 2u, 4u, 0x7fffffffu, 0xffffffffu}) {
    Block block = example();
    block.header.count = count;
    EXPECT_FALSE(decode_block(encode(block))) << count;
  }
}

TEST(BlockCodec, WantsAFlagOfZeroOrOne) {
  Block block = light_example();
  block.messages.resize(1);
  block.header.count = 1;
  Bytes bytes = encode(block);
  ASSERT_TRUE(decode_block(bytes));
  ASSERT_EQ(bytes.back(), 0);
  for (unsigned flag = 1; flag < 256; ++flag) {
    bytes.back() = static_cast<std::uint8_t>(flag);  // 1 wants a body, the others say nothing.
    EXPECT_FALSE(decode_block(bytes)) << flag;
  }
}

TEST(BlockCodec, WantsTheBodyOfACharter) {
  Block block = example();
  block.messages.erase(block.messages.begin(), block.messages.begin() + 2);
  block.header.count = 1;
  block.messages[0].head.suite = Suite::charter;
  EXPECT_TRUE(decode_block(encode(block)));
  block.messages[0].body.reset();
  EXPECT_FALSE(decode_block(encode(block)));
}

TEST(BlockCodec, EncodesWhatDecodesToTheSameBytes) {
  auto numbers = seeded_numbers();
  int decoded = 0;
  for (int round = 0; round < 50'000; ++round) {
    const Block block = round % 2 == 0 ? example() : light_example();
    Bytes bytes = mutated(numbers, encode(block));
    if (round % 3 == 0) bytes = mutated(numbers, bytes);
    const auto read = decode_block(bytes);
    if (!read) continue;
    ++decoded;
    EXPECT_EQ(encode(read.value()), bytes);
  }
  EXPECT_GT(decoded, 1'000);
}

}  // namespace
}  // namespace bmsg
