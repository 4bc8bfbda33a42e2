#include "storage/rocks_mail_store.h"

#include <gtest/gtest.h>

#include <random>

#include "lib/core/disk.h"
#include "lib/mail/memory_mail_store.h"
#include "tests/contract/mail_store_contract.h"
#include "tests/contract/reader_contract.h"
#include "tests/support/seed.h"
#include "tests/support/temp_dir.h"

namespace bmsg {
namespace mail {
namespace {

class RocksMailStoreHolder {
 public:
  MailStore& store() {
    if (!store_) reopen();
    return *store_;
  }
  void reopen() {
    store_.reset();
    auto opened = storage::RocksMailStore::open(directory(), options());
    check(bool(opened), "a test's mail store that does not open");
    store_ = std::move(opened).value();
  }
  Result<std::unique_ptr<storage::RocksMailStore>> read() {
    return storage::RocksMailStore::open_read_only(directory(), options());
  }

 private:
  std::filesystem::path directory() const { return directory_.path() / "mail"; }
  storage::OpenOptions options() { return {.disk = disk_}; }

  TempDir directory_;
  SystemDisk disk_;
  std::unique_ptr<storage::RocksMailStore> store_;
};

/// The twin in memory is held to the same.
class MemoryMailStoreHolder {
 public:
  MailStore& store() { return store_; }
  void reopen() {}

 private:
  MemoryMailStore store_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, MailStoreContract, MemoryMailStoreHolder);
INSTANTIATE_TYPED_TEST_SUITE_P(Rocks, MailStoreContract, RocksMailStoreHolder);
INSTANTIATE_TYPED_TEST_SUITE_P(Rocks, ReaderContract, RocksMailStoreHolder);

TEST(RocksMailStore, IsEmptyForReadingUntilItIsMade) {
  RocksMailStoreHolder holder;
  const auto read = holder.read();
  ASSERT_TRUE(read);
  EXPECT_EQ(read.value()->count().value(), 0);
  EXPECT_FALSE(read.value()->entry(mail_id(1)).value());
  EXPECT_TRUE(read.value()->newest({}, 5).value().empty());
  EXPECT_TRUE(read.value()->verify_checksums());
}

TEST(RocksMailStore, IsReadBesideItsWriterAsItWasWhenOpened) {
  RocksMailStoreHolder holder;
  ASSERT_TRUE(holder.store().apply({.put = {mail_entry(1, 1)}}));
  const auto read = holder.read();
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_TRUE(holder.store().apply({.put = {mail_entry(2, 2)}}));
  EXPECT_EQ(read.value()->count().value(), 1);
  EXPECT_EQ(holder.read().value()->count().value(), 2);
}

TEST(RocksMailStore, SurvivesCompaction) {
  RocksMailStoreHolder holder;
  for (std::uint8_t i = 1; i <= 50; ++i) {
    ASSERT_TRUE(holder.store().apply({.put = {mail_entry(i, i)}, .flags = {{mail_id(i), {"x"}}}}));
  }
  ASSERT_TRUE(dynamic_cast<storage::RocksMailStore&>(holder.store()).compact());
  holder.reopen();
  EXPECT_EQ(holder.store().newest({}, 100).value().size(), 50);
  EXPECT_EQ(holder.store().with_flag("x").value().size(), 50);
}

TEST(RocksMailStore, CountsFlagsWithoutListingThem) {
  RocksMailStoreHolder holder;
  auto& store = dynamic_cast<storage::RocksMailStore&>(holder.store());
  EXPECT_EQ(store.flag_count("unread").value(), 0);
  ASSERT_TRUE(store.apply({.flags = {{mail_id(1), {"unread", "x"}}, {mail_id(2), {"unread"}}}}));
  EXPECT_EQ(store.flag_count("unread").value(), 2);
  ASSERT_TRUE(store.apply({.flags = {{mail_id(1), {"x"}}}}));
  EXPECT_EQ(store.flag_count("unread").value(), 1);
  ASSERT_TRUE(store.apply({.flags = {{mail_id(1), {"x"}}, {mail_id(2), {"unread"}}}}));
  EXPECT_EQ(store.flag_count("unread").value(), 1);
  EXPECT_EQ(store.flag_count("x").value(), 1);
}

/// A change of a few random parts over few ids, so that they meet.
MailChange random_change(std::mt19937_64& random) {
  const auto below = [&](std::uint64_t limit) { return random() % limit; };
  const std::vector<std::string> names{"unread", "flagged", "archived", "un"};
  MailChange change;
  for (std::uint64_t i = below(4); i > 0; --i) {
    change.put.push_back(mail_entry(static_cast<std::uint8_t>(below(20)), below(5)));
  }
  for (std::uint64_t i = below(3); i > 0; --i) {
    Flags& flags = change.flags[mail_id(static_cast<std::uint8_t>(below(20)))];
    for (std::uint64_t j = below(3); j > 0; --j) flags.insert(names[below(names.size())]);
  }
  if (below(3) == 0) {
    change.values[names[below(names.size())]] =
        below(2) == 0 ? std::nullopt : std::optional(Bytes(below(4), 7));
  }
  return change;
}

std::vector<std::pair<MessageId, std::uint64_t>> listed(const MailReader& store) {
  std::vector<std::pair<MessageId, std::uint64_t>> all;
  const auto entries = store.newest({}, 1000);
  for (const MailEntry& entry : entries.value()) all.emplace_back(entry.id, entry.order);
  return all;
}

TEST(RocksMailStore, AgreesWithTheOneInMemory) {
  std::mt19937_64 random = seeded_numbers();
  RocksMailStoreHolder holder;
  MemoryMailStore memory;
  for (int round = 0; round < 300; ++round) {
    const MailChange change = random_change(random);
    ASSERT_TRUE(holder.store().apply(change));
    ASSERT_TRUE(memory.apply(change));
    if (round % 50 == 0) holder.reopen();
    ASSERT_EQ(listed(holder.store()), listed(memory)) << "round " << round;
    ASSERT_EQ(holder.store().count().value(), memory.count().value());
    for (const char* flag : {"unread", "flagged", "archived", "un"}) {
      ASSERT_EQ(holder.store().with_flag(flag).value(), memory.with_flag(flag).value());
      ASSERT_EQ(holder.store().value(flag).value(), memory.value(flag).value());
    }
  }
}

}  // namespace
}  // namespace mail
}  // namespace bmsg
