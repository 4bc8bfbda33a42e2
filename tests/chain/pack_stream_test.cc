// Packs frame by frame: the same bytes as whole packs, in bounded memory.

#include "lib/chain/pack_stream.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lib/chain/rules.h"
#include "lib/core/big_endian.h"
#include "lib/core/limits.h"
#include "tests/support/seed.h"

namespace bmsg::chain {
namespace {

/// Bytes that are read in pieces of at most `piece`; remembers the most that was asked for at once.
struct Input {
  explicit Input(Bytes given, std::size_t piece = SIZE_MAX)
      : bytes(std::move(given)), piece_bytes(piece) {}

  ReadBytes reader() {
    return [this](std::span<std::uint8_t> into) -> Result<std::size_t> {
      most_asked = std::max(most_asked, into.size());
      ++reads;
      const std::size_t count = std::min({into.size(), bytes.size() - at, piece_bytes});
      std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), count, into.begin());
      at += count;
      return count;
    };
  }

  Bytes bytes;
  std::size_t piece_bytes;
  std::size_t at = 0;
  std::size_t most_asked = 0;
  std::size_t reads = 0;
};

WriteBytes into(Bytes& out) {
  return [&out](ByteView bytes) -> Result<Done> {
    append(out, bytes);
    return done;
  };
}

Result<std::vector<Frame>> read_all(Input& input) {
  PackReader reader(input.reader());
  std::vector<Frame> frames;
  for (;;) {
    auto frame = reader.next();
    if (!frame) return frame.error();
    if (!frame.value()) return frames;
    frames.push_back(std::move(*frame.value()));
  }
}

Result<std::vector<Frame>> read_all(const Bytes& pack) {
  Input input(pack);
  return read_all(input);
}

void expect_refused(const Bytes& pack, Rule rule) {
  const auto frames = read_all(pack);
  ASSERT_FALSE(frames);
  EXPECT_EQ(frames.error().code, Errc::bad_input);
  EXPECT_TRUE(frames.error().message.starts_with(std::string(name_of(rule)) + ": "))
      << frames.error().message;
}

std::string rule_in(const Error& error) { return error.message.substr(0, error.message.find(':')); }

Bytes head_of(char type, std::uint32_t length) {
  Bytes head;
  append_be(head, static_cast<std::uint8_t>(type));
  append_be(head, length);
  return head;
}

Bytes example_pack() {
  Bytes pack;
  PackWriter writer(into(pack));
  EXPECT_TRUE(writer.begin());
  EXPECT_TRUE(writer.add(FrameType::genesis, as_bytes("text")));
  EXPECT_TRUE(writer.add(FrameType::block, {}));
  EXPECT_TRUE(writer.add(FrameType::message, as_bytes("message")));
  EXPECT_TRUE(writer.finish());
  EXPECT_EQ(writer.bytes(), pack.size());
  return pack;
}

TEST(PackStream, WritesTheBytesOfAWholePack) {
  Bytes pack = begin_pack();
  append_frame(pack, FrameType::genesis, as_bytes("text"));
  append_frame(pack, FrameType::block, {});
  append_frame(pack, FrameType::message, as_bytes("message"));
  end_pack(pack);
  EXPECT_EQ(example_pack(), pack);
}

TEST(PackStream, ReadsTheFramesHoweverTheyCome) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, SIZE_MAX}) {
    Input input(example_pack(), piece);
    const auto frames = read_all(input);
    ASSERT_TRUE(frames) << frames.error().message;
    ASSERT_EQ(frames.value().size(), 3u);
    EXPECT_EQ(frames.value()[0].type, FrameType::genesis);
    EXPECT_EQ(as_text(frames.value()[0].payload), "text");
    EXPECT_TRUE(frames.value()[1].payload.empty());
    EXPECT_EQ(as_text(frames.value()[2].payload), "message");
  }
}

TEST(PackStream, CountsTheBytesThatItRead) {
  Input input(example_pack());
  PackReader reader(input.reader());
  while (reader.next().value()) {
  }
  EXPECT_EQ(reader.bytes(), input.bytes.size());
  EXPECT_FALSE(reader.next().value());  // The end stays the end.
}

TEST(PackStream, StopsWhereWritingFails) {
  int writes = 0;
  PackWriter writer([&](ByteView) -> Result<Done> {
    if (++writes < 3) return done;
    return Error{Errc::io, "full"};
  });
  ASSERT_TRUE(writer.begin());
  const auto added = writer.add(FrameType::message, as_bytes("message"));
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, Errc::io);
}

TEST(PackStream, PassesOnWhereReadingFails) {
  PackReader reader([](std::span<std::uint8_t>) -> Result<std::size_t> {
    return Error{Errc::io, "torn off"};
  });
  EXPECT_EQ(reader.next().error().code, Errc::io);
}

TEST(PackStream, RepeatsItsError) {
  Bytes pack = example_pack();
  pack[4] = 'B';
  pack[8] = 255;  // Its first frame is longer than all there is.
  Input input(pack);
  PackReader reader(input.reader());
  const auto first = reader.next();
  ASSERT_FALSE(first);
  const std::size_t reads = input.reads;
  EXPECT_EQ(reader.next().error().message, first.error().message);
  EXPECT_EQ(input.reads, reads);
}

TEST(PackStream, SkipsTypesItDoesNotKnowButCountsThemInTheDigest) {
  Bytes pack = begin_pack();
  append_frame(pack, FrameType{'Z'}, Bytes(200'000, 7));
  append_frame(pack, FrameType{0}, {});
  append_frame(pack, FrameType::block, as_bytes("block"));
  end_pack(pack);
  const auto frames = read_all(pack);
  ASSERT_TRUE(frames) << frames.error().message;
  ASSERT_EQ(frames.value().size(), 1u);
  EXPECT_EQ(frames.value()[0].type, FrameType::block);
  pack[100'000] ^= 1;
  expect_refused(pack, Rule::digest);
  Bytes cut = begin_pack();
  append(cut, head_of('Z', 100));
  append(cut, Bytes(99));
  expect_refused(cut, Rule::frame);
}

TEST(PackStream, RefusesEveryFlippedBit) {
  const Bytes good = example_pack();
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes flipped = good;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    EXPECT_FALSE(read_all(flipped)) << bit;
  }
}

TEST(PackStream, RefusesEveryTruncationByName) {
  const Bytes pack = example_pack();
  for (std::size_t size = 0; size < pack.size(); ++size)
    expect_refused(Bytes(pack.begin(), pack.begin() + static_cast<std::ptrdiff_t>(size)),
                   Rule::frame);
}

TEST(PackStream, RefusesBytesAfterItsEnd) {
  Bytes pack = example_pack();
  pack.push_back('G');
  expect_refused(pack, Rule::frame);
  pack = example_pack();
  append(pack, example_pack());
  expect_refused(pack, Rule::frame);
}

TEST(PackStream, RefusesAnEndOfAnotherLength) {
  for (const std::size_t size : {0u, 63u, 65u}) {
    Bytes pack = begin_pack();
    append_frame(pack, FrameType::end, Bytes(size));
    expect_refused(pack, Rule::frame);
  }
}

TEST(PackStream, HoldsFramesToTheirLimit) {
  Bytes pack;
  PackWriter writer(into(pack));
  ASSERT_TRUE(writer.begin());
  ASSERT_TRUE(writer.add(FrameType::block, Bytes(kFrameBytesMax)));
  ASSERT_TRUE(writer.finish());
  const auto frames = read_all(pack);
  ASSERT_TRUE(frames) << frames.error().message;
  EXPECT_EQ(frames.value()[0].payload.size(), kFrameBytesMax);
  EXPECT_DEATH((void)writer.add(FrameType::block, Bytes(kFrameBytesMax + 1)), "too long");
}

TEST(PackStream, TakesNoMemoryForALengthThatIsOnlyClaimed) {
  for (const std::uint32_t length :
       {std::uint32_t{kFrameBytesMax + 1}, 64u << 20, 0x7fffffffu, 0xffffffffu}) {
    for (const char type : {'B', 'E', 'Z'}) {
      Bytes pack = begin_pack();
      append(pack, head_of(type, length));
      append(pack, Bytes(1000));
      Input input(pack);
      const auto frames = read_all(input);
      ASSERT_FALSE(frames);
      EXPECT_EQ(frames.error().message, "frame: too long");
      EXPECT_EQ(input.at, 9u) << "it read on behind the claim";
    }
  }
  Bytes pack = begin_pack();
  append(pack, head_of('B', kFrameBytesMax));
  append(pack, Bytes(1000));
  Input input(pack);
  EXPECT_EQ(read_all(input).error().message, "frame: cut short");
  EXPECT_LE(input.most_asked, 65536u);
}

TEST(PackStream, AgreesWithSplittingOnAnyBytes) {
  auto numbers = seeded_numbers();
  int good = 0;
  for (int round = 0; round < 20'000; ++round) {
    const Bytes pack = round % 10 == 0 ? example_pack() : mutated(numbers, example_pack());
    const auto whole = split_pack(pack, EndFrame::required);
    const auto streamed = read_all(pack);
    ASSERT_EQ(bool(whole), bool(streamed));
    if (!whole) {
      // A wrong length of E is known before its bytes are there.
      EXPECT_EQ(rule_in(whole.error()), rule_in(streamed.error()));
      continue;
    }
    ++good;
    ASSERT_EQ(whole.value().size(), streamed.value().size());
  }
  EXPECT_GE(good, 2'000);
}

}  // namespace
}  // namespace bmsg::chain
