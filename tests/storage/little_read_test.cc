// Whoever opens a database and looks at one record reads little of its tables, however large they
// are.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <atomic>
#include <string>

#include "storage/database.h"
#include "storage/slices.h"
#include "tests/storage/store_dir.h"
#include "tests/support/seed.h"

namespace bmsg::storage {
namespace {

constexpr int kRecords = 150'000;
constexpr std::size_t kLittle = 100u << 10;

/// Counts what is read of tables.
class CountedReads final : public rocksdb::EnvWrapper {
 public:
  CountedReads() : EnvWrapper(rocksdb::Env::Default()) {}

  rocksdb::Status NewRandomAccessFile(const std::string& name,
                                      std::unique_ptr<rocksdb::RandomAccessFile>* made,
                                      const rocksdb::EnvOptions& options) override {
    std::unique_ptr<rocksdb::RandomAccessFile> file;
    auto status = EnvWrapper::NewRandomAccessFile(name, &file, options);
    if (status.ok()) *made = std::make_unique<Counted>(std::move(file), bytes);
    return status;
  }

  std::atomic<std::size_t> bytes = 0;

 private:
  class Counted final : public rocksdb::RandomAccessFileWrapper {
   public:
    Counted(std::unique_ptr<rocksdb::RandomAccessFile> file, std::atomic<std::size_t>& bytes)
        : RandomAccessFileWrapper(file.get()), owned_(std::move(file)), bytes_(bytes) {}
    rocksdb::Status Read(std::uint64_t offset, std::size_t size, rocksdb::Slice* result,
                         char* scratch) const override {
      auto status = RandomAccessFileWrapper::Read(offset, size, result, scratch);
      bytes_ += result->size();
      return status;
    }

   private:
    std::unique_ptr<rocksdb::RandomAccessFile> owned_;
    std::atomic<std::size_t>& bytes_;
  };
};

ByteView view_of(const std::string& text) { return bytes_of(rocksdb::Slice(text)); }

class LittleReadTest : public ::testing::Test {
 protected:
  std::filesystem::path place() const { return temp_.path() / "database"; }

  static std::string key_of(int number) { return fmt::format("{:06}", number); }

  /// One table with that many bytes behind each of so many keys.
  void make(int records, std::size_t bytes, bool merged) {
    std::mt19937_64 random = seeded_numbers();
    const auto env = quiet_env(Access::create, nullptr);
    const auto options = engine_options(Access::create, env.get());
    options->write_buffer_size = 64u << 20;
    rocksdb::DB* opened = nullptr;
    check(rocksdb::DB::Open(*options, place().string(), &opened).ok(), "a test's database");
    const std::unique_ptr<rocksdb::DB> db(opened);
    for (int i = 0; i < records; ++i) {
      const Bytes value = random_bytes(random, bytes);
      check(db->Put({}, key_of(i), slice(value)).ok(), "a test's record");
    }
    check(db->Flush({}).ok(), "a test's table");
    if (merged) check(db->CompactRange({}, nullptr, nullptr).ok(), "a test's merge");
    check(db->Close().ok(), "a test's end");
  }

  /// What opening and looking at these two takes: one that is there, one that is not.
  std::size_t read_for(const std::string& there, const std::string& absent,
                       Access access = Access::read) {
    CountedReads reads;
    const auto database = must(Database::open(place(), access, {.disk = disk_, .env = &reads}));
    EXPECT_TRUE(must(database->view().get(view_of(there))));
    EXPECT_FALSE(must(database->view().get(view_of(absent))));
    return reads.bytes;
  }

  TempDir temp_;
  SystemDisk disk_;
};

TEST_F(LittleReadTest, OfATableOfLargeRecords) {
  make(1000, 4000, false);
  const std::size_t read = read_for(key_of(500), key_of(500) + "x");
  EXPECT_GT(read, 8000u) << "it counts";
  EXPECT_LT(read, kLittle);
}

/// What tells quickly that a key is absent is larger than all that is looked at.
TEST_F(LittleReadTest, OfATableOfManyRecords) {
  make(kRecords, 1, true);
  for (const Access access : {Access::read, Access::write}) {
    const std::size_t read = read_for(key_of(500), key_of(500) + "x", access);
    EXPECT_GT(read, 1000U) << "it counts";
    EXPECT_LT(read, kLittle);
  }
}

/// A writer is told by a filter that there is nothing; and where one does not fit, by the records.
TEST_F(LittleReadTest, OfATableInWhichNoneOfManyKeysIs) {
  make(kRecords, 1, true);
  std::mt19937_64 random = seeded_numbers();
  std::vector<Bytes> absent;
  for (int i = 0; i < 1000; ++i)
    absent.push_back(to_bytes(view_of(key_of(static_cast<int>(random() % kRecords)) + "x")));
  CountedReads reads;
  const auto database =
      must(Database::open(place(), Access::write, {.disk = disk_, .env = &reads}));
  EXPECT_FALSE(must(database->view().holds_any(absent)));
  EXPECT_LT(reads.bytes, kRecords * 10 / 8 + kLittle) << "of filters, and of few records";
  absent.push_back(to_bytes(view_of(key_of(77'777))));
  EXPECT_TRUE(must(database->view().holds_any(absent)));
}

TEST_F(LittleReadTest, OfATableThatIsSmallerThanItsEnd) {
  for (const int records : {1, 10, 100}) {
    std::filesystem::remove_all(place());
    make(records, 50, false);
    const std::uintmax_t bytes = read_for(key_of(0), key_of(records));
    EXPECT_LE(bytes, 16u << 10);
  }
}

}  // namespace
}  // namespace bmsg::storage
