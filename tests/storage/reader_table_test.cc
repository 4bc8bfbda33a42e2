// A database that is opened for reading answers from the logs as one that was never closed.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "storage/database.h"
#include "storage/slices.h"
#include "tests/storage/store_dir.h"
#include "tests/support/heap.h"
#include "tests/support/seed.h"

namespace bmsg::storage {
namespace {

using Model = std::map<std::string, std::string>;
using Next = View::Next;
using Direction = View::Direction;

constexpr int kKeys = 300;

ByteView view_of(const std::string& text) { return bytes_of(rocksdb::Slice(text)); }

std::string text_of(ByteView bytes) { return slice(bytes).ToString(); }

std::string key_of(std::uint64_t number) { return fmt::format("{:03}", number % kKeys); }

class ReaderTableTest : public ::testing::Test {
 protected:
  std::unique_ptr<Database> open(Access access) {
    return must(Database::open(temp_.path() / "db", access, {.disk = disk_}));
  }

  /// Commits of a few changes each, by programs one after another, of which each leaves its log.
  void write(int programs, int commits) {
    for (int program = 0; program < programs; ++program) {
      const auto database = open(Access::create);
      for (int i = 0; i < commits; ++i) change(*database);
    }
  }

  void change(Database& database) {
    Batch batch = database.batch();
    for (int i = 0; i < 5; ++i) {
      const std::string key = key_of(random_());
      if (random_() % 4 == 0) {
        batch.erase(view_of(key));
        model_.erase(key);
      } else {
        model_[key] = fmt::format("value {}", random_());
        batch.put(view_of(key), view_of(model_[key]));
      }
    }
    check(bool(database.commit(std::move(batch))), "a test's commit");
  }

  /// What the model has from that key on, or before it, of keys that begin with `prefix`.
  std::string expected(const std::string& prefix, const std::string& from,
                       Direction direction) const {
    std::string all;
    for (const auto& [key, value] : model_) {
      const bool fits = from.empty() || (direction == Direction::up ? key >= from : key < from);
      if (!key.starts_with(prefix) || !fits) continue;
      const std::string one = fmt::format("{}={};", key, value);
      all = direction == Direction::up ? all + one : one + all;
    }
    return all;
  }

  static std::string scanned(const View& view, const std::string& prefix, const std::string& from,
                             Direction direction) {
    std::string all;
    const auto visit = [&](ByteView key, ByteView value) -> Result<Next> {
      all += fmt::format("{}={};", text_of(key), text_of(value));
      return Next::go_on;
    };
    check(bool(view.scan(view_of(prefix), view_of(from), direction, visit)), "a test's scan");
    return all;
  }

  /// Every key, and scans from any place.
  void expect_all(const View& view) const {
    for (int i = 0; i < kKeys; ++i) {
      const auto found = must(view.get(view_of(key_of(i))));
      const auto known = model_.find(key_of(i));
      ASSERT_EQ(found.has_value(), known != model_.end()) << i;
      if (found) {
        ASSERT_EQ(text_of(*found), known->second) << i;
      }
    }
    for (const std::string prefix : {"", "1", "29"}) {
      for (const std::string from : {"", "000", "105", "199", "2990", "9"}) {
        if (!from.empty() && !from.starts_with(prefix)) continue;
        for (const Direction direction : {Direction::up, Direction::down}) {
          ASSERT_EQ(scanned(view, prefix, from, direction), expected(prefix, from, direction))
              << "'" << prefix << "' from '" << from << "'";
        }
      }
    }
  }

  TempDir temp_;
  SystemDisk disk_;
  std::mt19937_64 random_ = seeded_numbers();
  Model model_;
};

TEST_F(ReaderTableTest, NothingButAnEmptyLog) {
  write(1, 0);
  expect_all(open(Access::read)->view());
}

TEST_F(ReaderTableTest, LogsAreReadAsTheyWereWritten) {
  for (const int programs : {1, 2, 3}) {
    write(programs, 40);
    expect_all(open(Access::read)->view());
  }
}

TEST_F(ReaderTableTest, LogsLieOverTables) {
  write(1, 100);
  check(bool(open(Access::write)->flush()), "a test's flush");
  write(1, 30);
  expect_all(open(Access::read)->view());
}

/// A walk that ended leaves its room to the next; walks within walks take more.
TEST_F(ReaderTableTest, WalksWithinWalks) {
  write(2, 40);
  const auto database = open(Access::read);
  const View view = database->view();
  const std::string all = expected("", "", Direction::up);
  for (int i = 0; i < 3; ++i) {
    std::string outer;
    const auto visit = [&](ByteView key, ByteView value) -> Result<Next> {
      outer += fmt::format("{}={};", text_of(key), text_of(value));
      if (outer.size() % 7 == 0) {
        EXPECT_EQ(scanned(view, "", "", Direction::up), all);
      }
      return Next::go_on;
    };
    ASSERT_TRUE(view.scan({}, visit));
    ASSERT_EQ(outer, all);
  }
}

TEST_F(ReaderTableTest, ThreadsLookAtOnce) {
  write(3, 40);
  const auto database = open(Access::read);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int turn = 0; turn < 5; ++turn) expect_all(database->view());
    });
}

TEST_F(ReaderTableTest, LooksTakeNoMemoryHoweverManyTheyAre) {
  constexpr int kLooks = 10'000;
  write(2, 20);
  const auto database = open(Access::read);
  const View view = database->view();
  expect_all(view);
  const std::size_t before = heap_bytes();
  for (int i = 0; i < kLooks; ++i) (void)must(view.get(view_of(key_of(random_()))));
  EXPECT_LT(heap_bytes(), before + kLooks) << "each leaves something behind";
}

}  // namespace
}  // namespace bmsg::storage
