// Opening a database looks into few of its tables; scans end where their prefix ends; logs of
// nothing go.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/perf_context.h>

#include <map>
#include <string>

#include "storage/database.h"
#include "storage/slices.h"
#include "tests/storage/store_dir.h"
#include "tests/support/seed.h"

namespace bmsg::storage {
namespace {

using Model = std::map<std::string, std::string>;
using Next = View::Next;
using Direction = View::Direction;

ByteView view_of(const std::string& text) { return bytes_of(rocksdb::Slice(text)); }

std::string text_of(ByteView bytes) { return slice(bytes).ToString(); }

/// A database whose tables nobody merges unasked.
class TablesTest : public ::testing::Test {
 protected:
  TablesTest() : env_(quiet_env(Access::create, nullptr)) {}

  std::unique_ptr<rocksdb::DB> engine() {
    const auto options = engine_options(Access::create, env_.get());
    options->disable_auto_compactions = true;
    rocksdb::DB* opened = nullptr;
    check(rocksdb::DB::Open(*options, place().string(), &opened).ok(), "a test's database");
    return std::unique_ptr<rocksdb::DB>(opened);
  }

  /// Each table holds something of every range of keys.
  void make(int tables) {
    const auto db = engine();
    for (int table = 0; table < tables; ++table) {
      for (int i = 0; i < 20; ++i) {
        const std::string name = fmt::format("{:02}/{}", i, table);
        model_[name] = fmt::format("value {}", table);
        check(db->Put({}, name, model_[name]).ok(), "a test's record");
      }
      check(db->Flush({}).ok(), "a test's table");
    }
    check(db->Close().ok(), "a test's end");
  }

  std::size_t files(std::string_view ending, bool empty_too = true) const {
    std::size_t found = 0;
    for (const auto& entry : std::filesystem::directory_iterator(place())) {
      const bool counts = entry.path().extension() == ending;
      if (counts && (empty_too || entry.file_size() > 0)) ++found;
    }
    return found;
  }

  static Model all_in(const Database& database, const std::string& prefix = "",
                      const std::string& from = "", Direction direction = Direction::up,
                      std::size_t max = 1'000'000) {
    Model found;
    std::string last;
    const View view = database.view();
    const auto visit = [&](ByteView key, ByteView value) -> Result<Next> {
      const std::string at = text_of(key);
      const bool in_order = direction == Direction::up ? last < at : last > at;
      EXPECT_TRUE(found.empty() || in_order) << last << " before " << at;
      last = at;
      found[at] = text_of(value);
      return found.size() < max ? Next::go_on : Next::stop;
    };
    EXPECT_TRUE(view.scan(view_of(prefix), view_of(from), direction, visit));
    return found;
  }

  std::filesystem::path place() const { return temp_.path() / "database"; }
  std::unique_ptr<Database> open(Access access) {
    return must(Database::open(place(), access, {.disk = disk_}));
  }

  TempDir temp_;
  SystemDisk disk_;
  std::unique_ptr<rocksdb::Env> env_;
  Model model_;
};

TEST_F(TablesTest, AreAllFoundHoweverManyThereAre) {
  for (const int tables : {1, 2, 3, 10, 11, 25}) {
    std::filesystem::remove_all(place());
    model_.clear();
    make(tables);
    ASSERT_EQ(files(".sst"), static_cast<std::size_t>(tables));
    for (const Access access : {Access::read, Access::write}) {
      const auto database = open(access);
      for (const auto& [name, value] : model_) {
        const auto found = must(database->view().get(view_of(name)));
        ASSERT_TRUE(found) << name;
        ASSERT_EQ(text_of(*found), value);
      }
      ASSERT_EQ(all_in(*database), model_);
    }
  }
}

/// What it has not looked into yet goes from the directory, and stays for it.
TEST_F(TablesTest, StayForAReaderWhileAWriterMergesThem) {
  for (const int tables : {3, 10, 11, 25}) {
    std::filesystem::remove_all(place());
    model_.clear();
    make(tables);
    const auto looking = open(Access::read);
    const auto late = open(Access::read);
    {
      const auto db = engine();
      ASSERT_TRUE(db->Put({}, "00/new", "not there for those").ok());
      ASSERT_TRUE(db->CompactRange({}, nullptr, nullptr).ok());
      ASSERT_TRUE(db->Close().ok());
    }
    ASSERT_LT(files(".sst"), static_cast<std::size_t>(tables));
    EXPECT_EQ(all_in(*looking), model_);
    for (const auto& [name, value] : model_) {
      const auto found = late->view().get(view_of(name));
      ASSERT_TRUE(found) << found.error().message;
      ASSERT_TRUE(found.value()) << name;
      EXPECT_EQ(text_of(*found.value()), value);
    }
    model_["00/new"] = "not there for those";
    EXPECT_EQ(all_in(*open(Access::read)), model_);
  }
}

/// Of commands that each write little; what they wrote and erased is there in its last form.
TEST_F(TablesTest, OfLittleAreMergedWithEachOtherAlone) {
  std::mt19937_64 random = seeded_numbers();
  make(1);
  ASSERT_TRUE(engine()->CompactRange({}, nullptr, nullptr).ok());
  std::size_t most = 0;
  for (int command = 0; command < 40; ++command) {
    const auto database = open(Access::write);
    Batch batch = database->batch();
    for (int i = 0; i < 5; ++i) {
      const std::string name = fmt::format("{:02}/{}", random() % 20, random() % 3);
      if (random() % 3 == 0) {
        batch.erase(view_of(name));
        model_.erase(name);
      } else {
        model_[name] = fmt::format("command {}", command);
        batch.put(view_of(name), view_of(model_[name]));
      }
    }
    must(database->commit(std::move(batch)));
    must(database->flush());
    database->settle();
    most = std::max(most, files(".sst"));
    ASSERT_EQ(all_in(*database), model_);
    ASSERT_EQ(all_in(*open(Access::read)), model_);
  }
  EXPECT_LE(most, 1U + 3);  // The large one is not touched.
  EXPECT_GT(most, 1U + 1);  // Not each time.
}

TEST_F(TablesTest, AreMissedWhereOneIsGone) {
  make(5);
  for (const auto& entry : std::filesystem::directory_iterator(place())) {
    if (entry.path().extension() != ".sst") continue;
    std::filesystem::remove(entry.path());
    break;
  }
  for (const Access access : {Access::read, Access::write}) {
    const auto opened = Database::open(place(), access, {.disk = disk_});
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::corrupt) << opened.error().message;
  }
}

/// Scans beside a search of a map, where much was written, written again and erased.
TEST_F(TablesTest, ScansFindWhatASearchOfAllFinds) {
  std::mt19937_64 random = seeded_numbers();
  const auto name = [&random] {
    static constexpr std::string_view kLetters("aPp\xff", 4);
    std::string made;
    for (auto size = 1 + random() % 4; size > 0; --size) made += kLetters[random() % 4];
    return made;
  };
  {
    const auto db = engine();
    for (int i = 0; i < 3000; ++i) {
      const std::string key = name();
      if (random() % 3 == 0) {
        model_[key] = std::to_string(i);
        ASSERT_TRUE(db->Put({}, key, model_[key]).ok());
      } else {
        model_.erase(key);
        ASSERT_TRUE(db->Delete({}, key).ok());
      }
      ASSERT_TRUE(i % 500 != 499 || db->Flush({}).ok());
    }
    ASSERT_TRUE(db->Close().ok());
  }
  const auto reader = open(Access::read);
  for (int i = 0; i < 2000; ++i) {
    const std::string prefix = i == 0 ? "" : name().substr(0, 2);
    const std::string from = random() % 2 == 0 ? "" : prefix + name();
    const bool up = random() % 2 == 0;
    const std::size_t max = random() % 2 == 0 ? 1'000'000 : 3;
    Model expected;
    for (const auto& [key, value] : model_) {
      const bool behind = from.empty() || (up ? key >= from : key < from);
      if (key.starts_with(prefix) && behind) expected[key] = value;
    }
    while (expected.size() > max) expected.erase(up ? std::prev(expected.end()) : expected.begin());
    ASSERT_EQ(all_in(*reader, prefix, from, up ? Direction::up : Direction::down, max), expected)
        << "'" << prefix << "' from '" << from << "' " << up;
  }
}

/// What was erased behind a prefix, or before it, costs a scan of it nothing.
TEST_F(TablesTest, ScansEndWhereTheirPrefixEnds) {
  {
    const auto db = engine();
    for (int i = 0; i < 2000; ++i) {
      ASSERT_TRUE(db->Put({}, fmt::format("{}{:04}", i % 2 == 0 ? 'O' : 'Q', i), "gone").ok());
    }
    ASSERT_TRUE(db->Flush({}).ok());  // So that what erases them stays.
    for (int i = 0; i < 2000; ++i) {
      ASSERT_TRUE(db->Delete({}, fmt::format("{}{:04}", i % 2 == 0 ? 'O' : 'Q', i)).ok());
    }
    ASSERT_TRUE(db->Put({}, "A", "1").ok() && db->Put({}, "Z", "2").ok());
    ASSERT_TRUE(db->Flush({}).ok() && db->Close().ok());
  }
  const auto reader = open(Access::read);
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kEnableCount);
  rocksdb::get_perf_context()->Reset();
  EXPECT_TRUE(all_in(*reader, "P").empty());
  EXPECT_TRUE(all_in(*reader, "P", "", Direction::down).empty());
  EXPECT_LT(rocksdb::get_perf_context()->internal_delete_skipped_count, 10u);
  EXPECT_EQ(all_in(*reader, "").size(), 2u);
  EXPECT_GE(rocksdb::get_perf_context()->internal_delete_skipped_count, 2000u);  // It counts.
  rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
}

TEST_F(TablesTest, LogsOfNothingGoWithTheNextWriter) {
  make(1);
  for (int i = 0; i < 6; ++i) {
    const auto writer = open(Access::write);
    EXPECT_LE(files(".log"), files(".log", false) + 1) << "after " << i;
    EXPECT_EQ(all_in(*writer), model_);
    EXPECT_EQ(all_in(*open(Access::read)), model_);
  }
}

TEST_F(TablesTest, LogOfAWriterStaysWhileItHasWrittenNothing) {
  make(1);
  {
    const auto writer = open(Access::write);
    for (int i = 0; i < 2; ++i) {
      const auto second = Database::open(place(), Access::write, {.disk = disk_});
      ASSERT_FALSE(second);
      EXPECT_EQ(second.error().code, Errc::locked);
    }
    Batch batch = writer->batch();
    batch.put(view_of("later"), view_of("kept"));
    ASSERT_TRUE(writer->commit(std::move(batch)));
  }
  model_["later"] = "kept";
  EXPECT_EQ(all_in(*open(Access::read)), model_);
}

}  // namespace
}  // namespace bmsg::storage
