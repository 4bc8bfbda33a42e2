// The checksum of logs, by the instruction and by RocksDB's table.

#include "storage/log_checksum.h"

#include <gtest/gtest.h>

#include "storage/late_start.h"
#include "tests/support/seed.h"

namespace rocksdb::crc32c {
std::uint32_t Extend(std::uint32_t before, const char* bytes, std::size_t size);
}

namespace bmsg::storage {
namespace {

std::uint32_t sum_of(ByteView bytes, std::uint32_t before = 0) {
  return log_checksum(before, as_text(bytes).data(), bytes.size());
}

TEST(LogChecksum, IsThatOfTheSource) {
  start_rocksdb();
  EXPECT_EQ(log_checksum(0, "123456789", 9), 0xe3069283U);
  EXPECT_EQ(log_checksum(0, "", 0), 0U);
  // RFC 3720, B.4.
  EXPECT_EQ(sum_of(Bytes(32, 0)), 0x8a9136aaU);
  EXPECT_EQ(sum_of(Bytes(32, 0xff)), 0x62a8ab43U);
}

TEST(LogChecksum, IsTheSameWhoeverReckonsItAndInHoweverManyParts) {
  start_rocksdb();
  std::mt19937_64 numbers = seeded_numbers();
  for (int round = 0; round < 2'000; ++round) {
    const Bytes bytes = random_bytes(numbers, number_up_to(numbers, 300));
    const std::size_t from = number_up_to(numbers, bytes.size());
    const auto before = static_cast<std::uint32_t>(numbers());
    const char* text = as_text(bytes).data();
    const std::uint32_t whole = plain_log_checksum(before, text, bytes.size());
    ASSERT_EQ(sum_of(bytes, before), whole);
    ASSERT_EQ(sum_of(ByteView(bytes).subspan(from), sum_of(ByteView(bytes).first(from), before)),
              whole);
    ASSERT_EQ(rocksdb::crc32c::Extend(before, text, bytes.size()), whole);
  }
}

}  // namespace
}  // namespace bmsg::storage
