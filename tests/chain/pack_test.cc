// Packs: what is written is read back, and nothing else is.

#include "lib/chain/pack.h"

#include <gtest/gtest.h>

#include "lib/chain/block_hash.h"
#include "lib/chain/rules.h"
#include "lib/core/big_endian.h"
#include "lib/core/limits.h"
#include "lib/crypto/sha512.h"
#include "tests/support/chain_builder.h"
#include "tests/support/seed.h"

namespace bmsg::chain {
namespace {

Bytes example_pack() {
  Bytes pack = begin_pack();
  append_frame(pack, FrameType::genesis, as_bytes("text"));
  append_frame(pack, FrameType::ids, {});
  append_frame(pack, FrameType::message, as_bytes("message"));
  end_pack(pack);
  return pack;
}

void expect_refused(const Bytes& pack, Rule rule, EndFrame end = EndFrame::optional) {
  const auto frames = split_pack(pack, end);
  ASSERT_FALSE(frames);
  EXPECT_EQ(frames.error().code, Errc::bad_input);
  EXPECT_TRUE(frames.error().message.starts_with(std::string(name_of(rule)) + ": "))
      << frames.error().message;
}

TEST(Pack, SplitsIntoTheFramesThatWereAppended) {
  const auto frames = split_pack(example_pack(), EndFrame::required);
  ASSERT_TRUE(frames) << frames.error().message;
  ASSERT_EQ(frames.value().size(), 3u);
  EXPECT_EQ(frames.value()[0].type, FrameType::genesis);
  EXPECT_EQ(as_text(frames.value()[0].payload), "text");
  EXPECT_EQ(frames.value()[1].type, FrameType::ids);
  EXPECT_TRUE(frames.value()[1].payload.empty());
  EXPECT_EQ(frames.value()[2].type, FrameType::message);
}

TEST(Pack, HasTheShapeOfTheFormat) {
  Bytes expected = to_bytes("bmP1G");
  append(expected, Bytes{0, 0, 0, 4});
  append(expected, as_bytes("text"));
  Bytes pack = begin_pack();
  append_frame(pack, FrameType::genesis, as_bytes("text"));
  EXPECT_EQ(pack, expected);
  end_pack(pack);
  const Digest digest = crypto::sha512(expected);
  append(expected, Bytes{'E', 0, 0, 0, 64});
  append(expected, digest.view());
  EXPECT_EQ(pack, expected);
}

TEST(Pack, NeedsItsEndOnlyInFilesAndPipes) {
  Bytes pack = begin_pack();
  append_frame(pack, FrameType::peers, as_bytes("peer\n"));
  EXPECT_TRUE(split_pack(pack, EndFrame::optional));
  expect_refused(pack, Rule::frame, EndFrame::required);
  EXPECT_TRUE(split_pack(begin_pack(), EndFrame::optional).value().empty());
  expect_refused(begin_pack(), Rule::frame, EndFrame::required);
}

TEST(Pack, SkipsTypesItDoesNotKnow) {
  Bytes pack = begin_pack();
  append_frame(pack, FrameType{'Z'}, as_bytes("of the future"));
  append_frame(pack, FrameType{0}, {});
  append_frame(pack, FrameType::header, as_bytes("header"));
  end_pack(pack);
  const auto frames = split_pack(pack, EndFrame::required);
  ASSERT_TRUE(frames);
  ASSERT_EQ(frames.value().size(), 1u);
  EXPECT_EQ(frames.value()[0].type, FrameType::header);
}

TEST(Pack, RefusesEveryFlippedBitUnlessNothingReadsIt) {
  const Bytes good = example_pack();
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes flipped = good;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    EXPECT_FALSE(split_pack(flipped, EndFrame::required)) << bit;
  }
}

TEST(Pack, NamesAWrongDigest) {
  Bytes pack = example_pack();
  pack.back() ^= 1;
  expect_refused(pack, Rule::digest);
  pack = example_pack();
  pack[9] ^= 1;  // In the first payload.
  expect_refused(pack, Rule::digest);
}

TEST(Pack, RefusesEveryTruncationWhereTheEndIsRequired) {
  const Bytes pack = example_pack();
  for (std::size_t size = 0; size < pack.size(); ++size) {
    expect_refused(Bytes(pack.begin(), pack.begin() + static_cast<std::ptrdiff_t>(size)),
                   Rule::frame, EndFrame::required);
  }
}

TEST(Pack, RefusesBytesAfterItsEnd) {
  Bytes pack = example_pack();
  pack.push_back('G');
  expect_refused(pack, Rule::frame);
  pack = example_pack();
  end_pack(pack);
  expect_refused(pack, Rule::frame);
}

TEST(Pack, RefusesAnEndOfAnotherLength) {
  Bytes pack = begin_pack();
  append_frame(pack, FrameType::end, Bytes(63));
  expect_refused(pack, Rule::frame);
}

TEST(Pack, RefusesAnotherMagic) {
  expect_refused(to_bytes("bmP2"), Rule::frame);
  expect_refused({}, Rule::frame);
}

TEST(Pack, HoldsFramesToTheirLimitBeforeItTakesMemory) {
  Bytes longest = begin_pack();
  append_frame(longest, FrameType::block, Bytes(kFrameBytesMax));
  EXPECT_TRUE(split_pack(longest, EndFrame::optional));
  for (const std::uint32_t length : {std::uint32_t{kFrameBytesMax + 1}, 0x7fffffffu, 0xffffffffu}) {
    Bytes pack = begin_pack();
    append_be(pack, std::uint8_t{'B'});
    append_be(pack, length);
    expect_refused(pack, Rule::frame);
  }
  Bytes pack;
  EXPECT_DEATH(append_frame(pack, FrameType::block, Bytes(kFrameBytesMax + 1)), "too long");
}

TEST(Pack, AnswersRandomBytes) {
  auto numbers = seeded_numbers();
  for (int round = 0; round < 20'000; ++round) {
    const Bytes pack = mutated(numbers, mutated(numbers, example_pack()));
    const auto frames = split_pack(pack, EndFrame::optional);
    if (!frames) continue;
    for (const Frame& frame : frames.value()) EXPECT_LE(frame.payload.size(), pack.size());
  }
}

class CompactTest : public testing::Test {
 protected:
  ChainBuilder builder_;
  Block block_ =
      builder_.block(builder_.genesis(), {builder_.public_message("one", builder_.genesis().time),
                                          builder_.public_message("two", builder_.genesis().time)});
};

TEST_F(CompactTest, NamesTheMessagesOfABlock) {
  const CompactBlock compact = compact_of(block_);
  EXPECT_EQ(compact.sealed, (SealedHeader{block_.header, block_.seal}));
  ASSERT_EQ(compact.entries.size(), 2u);
  EXPECT_EQ(compact.entries[0].id, prefix_of<ShortId>(id_of(block_.messages[0].head)));
  EXPECT_EQ(compact.entries[1].nonce, block_.messages[1].nonce);
}

TEST_F(CompactTest, DecodesToWhatWasEncoded) {
  const Bytes bytes = encode(compact_of(block_));
  EXPECT_EQ(bytes.size(), 257u + 2 * 16);
  EXPECT_EQ(decode_compact(bytes).value(), compact_of(block_));
}

TEST_F(CompactTest, RefusesEveryOtherLength) {
  Bytes bytes = encode(compact_of(block_));
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_compact(ByteView(bytes).first(size))) << size;
  }
  bytes.push_back(0);
  EXPECT_FALSE(decode_compact(bytes));
}

TEST_F(CompactTest, TakesNoMemoryForACountThatIsOnlyClaimed) {
  Bytes bytes = encode(compact_of(block_));
  for (std::size_t i = 20; i < 24; ++i) bytes[i] = 0xff;
  EXPECT_FALSE(decode_compact(bytes));
}

TEST(ShortIds, DecodeToWhatWasEncoded) {
  const std::vector<ShortId> ids = {ShortId::filled(1), ShortId::filled(2)};
  EXPECT_EQ(encode_short_ids(ids).size(), 16u);
  EXPECT_EQ(decode_short_ids(encode_short_ids(ids)).value(), ids);
  EXPECT_TRUE(decode_short_ids({}).value().empty());
  EXPECT_FALSE(decode_short_ids(Bytes(7)));
  EXPECT_FALSE(decode_short_ids(Bytes(9)));
}

}  // namespace
}  // namespace bmsg::chain
