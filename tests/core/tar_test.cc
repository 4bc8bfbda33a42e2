#include "lib/core/tar.h"

#include <gtest/gtest.h>

#include "tests/support/seed.h"

namespace bmsg {
namespace {

Bytes block_of(const TarEntry& entry) { return tar_header(entry, 1700000000); }

TEST(Tar, ReadsWhatItWrote) {
  for (const std::uint64_t size : {std::uint64_t{0}, std::uint64_t{511}, kTarFileBytesMax}) {
    const TarEntry entry{"outbox/new/x", size, true};
    const auto block = decode_tar_block(block_of(entry));
    ASSERT_TRUE(block);
    EXPECT_EQ(block.value().type, TarBlock::Type::file);
    EXPECT_EQ(block.value().entry, entry);
  }
}

TEST(Tar, PutsALongPathBeforeTheHeader) {
  for (const std::size_t length : {std::size_t{101}, std::size_t{990}, kTarPathBytesMax}) {
    const std::string path(length, 'p');
    const Bytes bytes = block_of({path, 7, false});
    const auto first = decode_tar_block(ByteView(bytes).first(kTarBlockBytes));
    ASSERT_TRUE(first);
    ASSERT_EQ(first.value().type, TarBlock::Type::extended);
    const auto text = as_text(ByteView(bytes).subspan(kTarBlockBytes, first.value().entry.size));
    const auto read = decode_extended_path(text);
    ASSERT_TRUE(read);
    EXPECT_EQ(read.value(), path);
    const auto last = decode_tar_block(ByteView(bytes).last(kTarBlockBytes));
    ASSERT_TRUE(last);
    EXPECT_EQ(last.value().entry.size, 7u);
  }
}

TEST(Tar, FitsAHundredBytesIntoTheHeader) {
  EXPECT_EQ(block_of({std::string(100, 'p'), 1, false}).size(), kTarBlockBytes);
  EXPECT_EQ(block_of({std::string(101, 'p'), 1, false}).size(), 3 * kTarBlockBytes);
}

TEST(Tar, PadsToWholeBlocks) {
  EXPECT_EQ(tar_padding(0), 0u);
  EXPECT_EQ(tar_padding(1), 511u);
  EXPECT_EQ(tar_padding(512), 0u);
  EXPECT_EQ(tar_padding(513), 511u);
}

TEST(Tar, TakesZerosForTheEnd) {
  const auto end = decode_tar_block(Bytes(kTarBlockBytes));
  ASSERT_TRUE(end);
  EXPECT_EQ(end.value().type, TarBlock::Type::end);
}

TEST(Tar, RefusesLinksAndDirectories) {
  const Bytes good = block_of({"x", 1, false});
  for (const char type : {'1', '2', '3', '5', '7', 'L', 'g'}) {
    Bytes block = good;
    block[156] = static_cast<std::uint8_t>(type);
    // The sum follows, so that the type is what is refused.
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < block.size(); ++i) sum += i >= 148 && i < 156 ? 32u : block[i];
    for (std::size_t i = 6; i-- > 0; sum /= 8) {
      block[148 + i] = static_cast<std::uint8_t>('0' + sum % 8);
    }
    const auto refused = decode_tar_block(block);
    ASSERT_FALSE(refused) << type;
    EXPECT_NE(refused.error().message.find("something else"), std::string::npos);
  }
}

TEST(Tar, RefusesAnyChangedByteOfAHeader) {
  const Bytes good = block_of({"keys/keyring", 77, false});
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes block = good;
    block[i] ^= 0x11;
    const auto read = decode_tar_block(block);
    EXPECT_FALSE(read) << "byte " << i;
  }
}

TEST(Tar, RefusesANumberOfOtherDigits) {
  constexpr std::size_t kSizeAt = 124;
  Bytes block = block_of({"keys/keyring", 77, false});
  ASSERT_EQ(as_text(block).substr(kSizeAt, 2), "00");
  block[kSizeAt] += 9;  // The sum over the header stays.
  block[kSizeAt + 1] -= 9;
  const auto read = decode_tar_block(block);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("number"), std::string::npos);
}

TEST(Tar, RefusesAnExtendedHeaderThatSaysMore) {
  for (const std::string_view text :
       {"", "12 path=abc\n", "11 path=abc\n12 path=abcd\n", "13 size=99999\n", "011 path=abc\n",
        "12 path=abc", "9999999 path=abc\n"}) {
    const auto read = decode_extended_path(text);
    EXPECT_EQ(bool(read), text == "12 path=abc\n") << text;
  }
}

}  // namespace
}  // namespace bmsg
