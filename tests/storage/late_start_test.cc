// A program that only reads starts less of RocksDB, and finds everything; and may write later.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "storage/database.h"
#include "storage/slices.h"
#include "tests/storage/child_process.h"
#include "tests/storage/store_dir.h"

namespace bmsg::storage {
namespace {

constexpr int kTables = 25;  // More than are open at first.
constexpr int kPerTable = 40;

std::unique_ptr<Database> open(const std::filesystem::path& place, Access access) {
  static SystemDisk disk;
  return must(Database::open(place, access, {.disk = disk}));
}

void put(Database& database, int number) {
  Batch batch = database.batch();
  const std::string key = fmt::format("{:06}", number * 7919 % 1'000'003);
  batch.put(bytes_of(rocksdb::Slice(key)), bytes_of(rocksdb::Slice("value")));
  check(bool(database.commit(std::move(batch))), "a test's commit");
}

std::uint32_t count(const Database& database) {
  std::uint32_t found = 0;
  const View view = database.view();
  const auto visit = [&](ByteView key, ByteView) -> Result<View::Next> {
    check(must(view.get(key)).has_value(), "what a scan finds is there");
    ++found;
    return View::Next::go_on;
  };
  check(bool(view.scan({}, visit)), "a test's scan");
  check(bool(database.verify_checksums()), "a test's checksums");
  return found;
}

/// Not a test: the program of the test below. Nothing was opened in it for writing before.
TEST(LateStart, DISABLED_ReadsAndThenWrites) {
  const std::filesystem::path place = std::getenv("BMSG_TEST_STORE");
  ChildProcess::say(count(*open(place, Access::read)));
  if (std::getenv("BMSG_TEST_WRITES") == nullptr) return;
  {
    const auto writer = open(place, Access::write);
    for (int i = 0; i < kPerTable; ++i) put(*writer, kTables * kPerTable + i);
    check(bool(writer->compact()), "a test's merge");
  }
  ChildProcess::say(count(*open(place, Access::read)));
}

TEST(LateStart, WhoOnlyReadsFindsAllAndMayWriteLater) {
  const TempDir temp;
  const std::filesystem::path place = temp.path() / "database";
  for (int table = 0; table < kTables; ++table) {
    const auto database = open(place, Access::create);
    for (int i = 0; i < kPerTable; ++i) put(*database, table * kPerTable + i);
    if (table + 1 < kTables) check(bool(database->flush()), "a test's table");
  }
  for (const bool writes : {false, true}) {
    std::map<std::string, std::string> variables = {{"BMSG_TEST_STORE", place}};
    if (writes) variables["BMSG_TEST_WRITES"] = "1";
    ChildProcess child("LateStart.DISABLED_ReadsAndThenWrites", variables);
    EXPECT_EQ(child.read_last_number(), (kTables + (writes ? 1 : 0)) * kPerTable);
    const int status = child.wait();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }
}

}  // namespace
}  // namespace bmsg::storage
