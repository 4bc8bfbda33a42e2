// ByteReader and big-endian integers: exact, and silent after the first shortage.

#include "lib/core/byte_reader.h"

#include <gtest/gtest.h>

#include "lib/core/ids.h"
#include "tests/support/seed.h"

namespace bmsg {
namespace {

TEST(BigEndian, PutsTheMostSignificantByteFirst) {
  Bytes out;
  append_be(out, std::uint8_t{0x01});
  append_be(out, std::uint16_t{0x0203});
  append_be(out, std::uint32_t{0x04050607});
  append_be(out, std::uint64_t{0x08090a0b0c0d0e0f});
  Bytes expected;
  for (std::uint8_t i = 1; i <= 15; ++i) expected.push_back(i);
  EXPECT_EQ(out, expected);
}

TEST(BigEndian, LoadsWhatWasAppended) {
  auto numbers = seeded_numbers();
  for (int round = 0; round < 1'000; ++round) {
    const std::uint64_t number = numbers() >> number_up_to(numbers, 63);
    Bytes out;
    append_be(out, number);
    EXPECT_EQ(load_be<std::uint64_t>(out.data()), number);
    EXPECT_EQ(load_be<std::uint16_t>(out.data() + 6), static_cast<std::uint16_t>(number));
  }
}

TEST(ByteReader, TakesValuesOffTheFront) {
  const Bytes bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.integer<std::uint16_t>(), 0x0102);
  EXPECT_EQ(reader.fixed<Topic>(), Topic({3, 4, 5, 6}));
  EXPECT_EQ(to_bytes(reader.take(1)), Bytes{7});
  EXPECT_EQ(reader.size_left(), 2u);
  EXPECT_FALSE(reader.finished());
  EXPECT_EQ(to_bytes(reader.rest()), (Bytes{8, 9}));
  EXPECT_TRUE(reader.finished());
}

TEST(ByteReader, GivesNothingAfterAShortage) {
  const Bytes bytes = {1, 2, 3};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.integer<std::uint32_t>(), 0u);
  EXPECT_TRUE(reader.ran_short());
  EXPECT_EQ(reader.integer<std::uint8_t>(), 0);
  EXPECT_EQ(reader.fixed<Topic>(), Topic());
  EXPECT_TRUE(reader.take(0).empty());
  EXPECT_FALSE(reader.finished());
}

TEST(ByteReader, AnswersLengthsBeyondAllMemory) {
  const Bytes bytes = {1};
  ByteReader reader(bytes);
  EXPECT_TRUE(reader.take(SIZE_MAX).empty());
  EXPECT_TRUE(reader.ran_short());
}

TEST(ByteReader, IsFinishedWithNothing) {
  ByteReader reader({});
  EXPECT_TRUE(reader.finished());
  EXPECT_TRUE(reader.take(0).empty());
  EXPECT_TRUE(reader.finished());
}

}  // namespace
}  // namespace bmsg
