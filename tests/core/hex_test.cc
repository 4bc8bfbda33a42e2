// Hexadecimal: lower case, whole bytes, nothing else.

#include "lib/core/hex.h"

#include <gtest/gtest.h>

#include "lib/core/ids.h"
#include "tests/support/seed.h"

namespace bmsg {
namespace {

TEST(Hex, SpellsBytesInLowerCase) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0x09, 0x0a, 0xaf, 0xff}), "00090aafff");
  EXPECT_EQ(to_hex({}), "");
}

TEST(Hex, ReadsWhatItSpells) {
  auto numbers = seeded_numbers();
  for (std::size_t size = 0; size < 100; ++size) {
    const Bytes bytes = random_bytes(numbers, size);
    EXPECT_EQ(from_hex(to_hex(bytes)), bytes);
  }
}

TEST(Hex, RefusesOddLengthsUpperCaseAndOtherCharacters) {
  for (const char* text : {"0", "000", "0A", "AF", "0g", "g0", " 0", "0 ", "0x00", "00 ", "/0",
                           ":0", "`0", "\xff\xff"}) {
    EXPECT_EQ(from_hex(text), std::nullopt) << text;
  }
}

TEST(Hex, ReadsFixedSizesAtTheirLengthOnly) {
  EXPECT_EQ(fixed_from_hex<Topic>("01020304"), Topic({1, 2, 3, 4}));
  EXPECT_EQ(fixed_from_hex<Topic>("010203"), std::nullopt);
  EXPECT_EQ(fixed_from_hex<Topic>("0102030405"), std::nullopt);
  EXPECT_EQ(fixed_from_hex<Topic>("0102030G"), std::nullopt);
}

}  // namespace
}  // namespace bmsg
