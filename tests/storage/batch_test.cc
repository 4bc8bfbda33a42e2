// A batch and the database under it, beside a plain map that does the same.

#include <gtest/gtest.h>

#include <map>

#include "storage/database.h"
#include "tests/storage/store_dir.h"
#include "tests/support/seed.h"

namespace bmsg::storage {
namespace {

constexpr int kBatches = 20;
constexpr int kChanges = 300;

TEST(Batch, SaysOfEachKeyWhatWasWrittenLast) {
  const TempDir temp;
  SystemDisk disk;
  const auto database = must(Database::open(temp.path() / "db", Access::create, {.disk = disk}));
  std::mt19937_64 numbers = seeded_numbers();
  std::map<Bytes, Bytes> all;
  // Few enough keys that each is met again, and lengths on both sides of where a length takes
  // another byte.
  const auto some_key = [&] {
    return Bytes(1 + number_up_to(numbers, 2), static_cast<std::uint8_t>(numbers() % 20));
  };
  const std::vector<std::size_t> sizes = {0, 1, 127, 128, 129, 16'383, 16'384};
  for (int round = 0; round < kBatches; ++round) {
    Batch batch = database->batch();
    ASSERT_LE(batch.bytes(), 12U) << "it begins with nothing of the one before";
    std::map<Bytes, std::optional<Bytes>> written;
    for (int i = 0; i < kChanges; ++i) {
      const Bytes key = some_key();
      if (number_up_to(numbers, 3) == 0) {
        batch.erase(key);
        written[key] = std::nullopt;
      } else {
        const std::size_t size = sizes[number_up_to(numbers, sizes.size() - 1)];
        const Bytes value = random_bytes(numbers, size);
        batch.put(key, value);
        written[key] = value;
      }
      const Bytes asked = some_key();
      const auto in_batch = written.find(asked);
      const auto below = all.find(asked);
      const auto new_one = in_batch == written.end() ? std::nullopt : in_batch->second;
      const auto old_one = below == all.end() ? std::nullopt : std::optional(below->second);
      ASSERT_EQ(batch.get_new(asked), new_one);
      ASSERT_EQ(must(batch.get(asked)), in_batch == written.end() ? old_one : new_one);
    }
    // Under keys of their own, of which the batch itself says nothing.
    const Bytes unread(3, static_cast<std::uint8_t>(100 + round));
    batch.put_unread(unread, unread);
    ASSERT_EQ(batch.get_new(unread), std::nullopt);
    ASSERT_EQ(must(batch.get(unread)), std::nullopt);
    ASSERT_TRUE(database->commit(std::move(batch)));
    ASSERT_EQ(must(database->view().get(unread)), unread);
    for (const auto& [key, value] : written) {
      all.erase(key);
      if (value) all[key] = *value;
      ASSERT_EQ(must(database->view().get(key)), value);
      ASSERT_EQ(must(database->view().holds_any({key})), value.has_value());
    }
  }
}

}  // namespace
}  // namespace bmsg::storage
