#include "storage/witness.h"

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace bmsg::storage {
namespace {

Work work(std::uint8_t low) {
  Work made;
  made.data()[Work::kSize - 1] = low;
  return made;
}

Witness some_witness() { return {.height = {7}, .hash = BlockHash::filled(0xab), .work = work(9)}; }

node::Tip tip(std::uint32_t height, std::uint8_t hash, std::uint8_t low_work) {
  return {.height = {height}, .hash = BlockHash::filled(hash), .work = work(low_work), .time = {}};
}

std::string repeated(const char* text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

TEST(Witness, IsOneLineWithAChecksum) {
  // The checksum is what Python's zlib.crc32 gives for the line before it.
  EXPECT_EQ(print(some_witness()),
            "7 " + repeated("ab", 64) + " " + repeated("00", 31) + "09 3537310c\n");
}

TEST(Witness, IsReadBack) {
  EXPECT_EQ(parse_witness(print(some_witness())).value(), some_witness());
  const Witness most{{0xffffffff}, BlockHash::filled(0xff), Work::filled(0xff)};
  EXPECT_EQ(parse_witness(print(most)).value(), most);
}

TEST(Witness, IsRefusedWithAnyBitFlipped) {
  const std::string line = print(some_witness());
  for (std::size_t bit = 0; bit < line.size() * 8; ++bit) {
    std::string flipped = line;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    const auto read = parse_witness(flipped);
    ASSERT_FALSE(read) << flipped;
    EXPECT_EQ(read.error().code, Errc::corrupt);
  }
}

TEST(Witness, IsRefusedWhereItIsCut) {
  const std::string line = print(some_witness());
  for (std::size_t length = 0; length < line.size(); ++length) {
    EXPECT_FALSE(parse_witness(line.substr(0, length))) << length;
  }
  EXPECT_FALSE(parse_witness(line + "\n"));
  EXPECT_FALSE(parse_witness("0" + line));
}

TEST(Witness, IsKeptInAFile) {
  const TempDir directory;
  SystemDisk disk;
  const auto file = directory.path() / "witness";
  EXPECT_FALSE(read_witness(disk, file).value());
  ASSERT_TRUE(write_witness(disk, file, some_witness()));
  EXPECT_EQ(read_witness(disk, file).value(), some_witness());
}

TEST(Witness, AgreesWithAStoreThatIsThereOrAhead) {
  const Witness witness = witness_of(tip(7, 0x50, 9));
  EXPECT_TRUE(compare(tip(7, 0x50, 9), witness));
  EXPECT_TRUE(compare(tip(8, 0x77, 10), witness));
  EXPECT_TRUE(compare(tip(5, 0x77, 10), witness)) << "fewer blocks with more work";
  EXPECT_TRUE(compare(tip(7, 0x4f, 9), witness)) << "the same work and the smaller hash";
}

TEST(Witness, TellsOnAStoreThatIsBehind) {
  const Witness witness = witness_of(tip(7, 0x50, 9));
  for (const node::Tip& behind : {tip(6, 0x11, 8), tip(7, 0x51, 9), tip(9, 0x11, 8)}) {
    const auto compared = compare(behind, witness);
    ASSERT_FALSE(compared);
    EXPECT_EQ(compared.error().code, Errc::corrupt);
    EXPECT_NE(compared.error().message.find("the store is behind its witness"), std::string::npos);
  }
}

TEST(Witness, MayOnlyBeMissingBeforeTheFirstBlock) {
  EXPECT_TRUE(compare(tip(0, 1, 0), std::nullopt));
  EXPECT_EQ(compare(tip(1, 1, 1), std::nullopt).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace bmsg::storage
