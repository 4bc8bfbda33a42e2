// Blocks that one change brings and connects: what is kept is the same as if each had been added
// and then connected, and nothing that was never a side block leaves a mark among them.

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <map>
#include <random>

#include "storage/database.h"
#include "storage/schema.h"
#include "tests/storage/store_dir.h"

namespace bmsg::storage {
namespace {

using Records = std::map<Bytes, Bytes>;

class RowChangeTest : public ::testing::Test {
 protected:
  RowChangeTest() {
    Header parent = builder_.genesis();
    for (const int count : {3, 0, 40, 1}) {
      blocks_.push_back(block_of(builder_, parent, std::to_string(count) + " of ", count));
      parent = blocks_.back().header;
    }
    row_ = adding(builder_.chain(), blocks_);
    for (auto& added : row_.added) added.are_new = true;
  }

  static Records records_of(StoreDir dir) {
    Records all;
    const auto database = must(Database::open(dir.chain(), Access::read, dir.options()));
    const auto note = [&](ByteView key, ByteView value) -> Result<View::Next> {
      all.emplace(to_bytes(key), to_bytes(value));
      return View::Next::go_on;
    };
    EXPECT_TRUE(database->view().scan({}, note));
    return all;
  }

  /// What a new store holds after these.
  Records after(const std::vector<node::ChainChange>& changes) {
    StoreDir dir(temp_.path() / std::to_string(++stores_));
    std::filesystem::create_directory(temp_.path() / std::to_string(stores_));
    {
      const auto store = must(dir.create());
      for (const auto& change : changes) must(store->apply(change));
    }
    return records_of(dir);
  }

  /// The same as the row, each block added by a change of its own and connected by the next.
  std::vector<node::ChainChange> one_by_one() const {
    std::vector<node::ChainChange> changes;
    for (const auto& added : row_.added) {
      node::ChainChange add;
      add.added.push_back(added);
      add.added.back().are_new = false;
      changes.push_back(std::move(add));
      changes.push_back({.connect = {added.hash}});
    }
    return changes;
  }

  TempDir temp_;
  int stores_ = 0;
  ChainBuilder builder_;
  std::vector<Block> blocks_;
  node::ChainChange row_;
};

TEST_F(RowChangeTest, KeepsARowAsIfItsBlocksHadComeOneByOne) {
  EXPECT_EQ(after({row_}), after(one_by_one()));
  for (auto& added : row_.added) added.are_new = false;
  EXPECT_EQ(after({row_}), after(one_by_one()));
  row_.added[2].are_new = true;
  EXPECT_EQ(after({row_}), after(one_by_one()));
}

TEST_F(RowChangeTest, KeepsAllPlacesOfIdsThatBeginAlike) {
  const auto make_alike = [](MessageId& id, const MessageId& other) {
    std::copy_n(other.data(), kPlacesIdBytes, id.data());
  };
  make_alike(row_.added[0].ids[2], row_.added[0].ids[0]);
  make_alike(row_.added[2].ids[7], row_.added[0].ids[0]);
  make_alike(row_.added[3].ids[0], row_.added[2].ids[39]);
  const Records expected = after(one_by_one());
  for (int are_new = 0; are_new < 16; ++are_new) {
    for (int i = 0; i < 4; ++i) row_.added[i].are_new = (are_new >> i & 1) != 0;
    EXPECT_EQ(after({row_}), expected) << are_new;
  }
}

TEST_F(RowChangeTest, ReplacesABlockThatTheSameRowBrings) {
  node::ChainChange twice = row_;
  twice.added.push_back(row_.added[0]);
  twice.added.back().block.messages[1].body.reset();
  twice.added.back().block.seal = {{.index = 3, .signature = Signature::filled(1)}};
  auto changes = one_by_one();
  changes.push_back({.added = {twice.added.back()}});
  EXPECT_EQ(after({twice}), after(changes));
}

TEST_F(RowChangeTest, LeavesNoMarkAmongSideBlocks) {
  after({row_});
  StoreDir dir(temp_.path() / std::to_string(stores_));
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::OpenForReadOnly(rocksdb::Options(), dir.chain().string(), &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  std::uint64_t erased = 1;
  ASSERT_TRUE(db->GetIntProperty(rocksdb::DB::Properties::kNumDeletesActiveMemTable, &erased));
  EXPECT_EQ(erased, 0);
}

TEST_F(RowChangeTest, KeepsNothingOfARowThatDoesNotFit) {
  std::swap(row_.connect[1], row_.connect[2]);
  StoreDir dir(temp_.path());
  {
    const auto store = must(dir.create());
    const auto applied = store->apply(row_);
    ASSERT_FALSE(applied);
    EXPECT_EQ(applied.error().code, Errc::corrupt);
    EXPECT_EQ(must(store->tip()).height.value, 0);
  }
  EXPECT_EQ(records_of(dir), after({}));
}

TEST_F(RowChangeTest, CommandsThatEndAtOnceLeaveFewTables) {
  StoreDir dir(temp_.path());
  const auto open = [&](Access access) {
    return must(Database::open(dir.chain(), access, dir.options()));
  };
  {
    // So much that to merge it takes longer than to end.
    const auto database = open(Access::create);
    std::mt19937 random(1);
    Batch batch = database->batch();
    for (std::uint32_t i = 0; i < 2'000; ++i) {
      Bytes body(8'000);
      for (auto& byte : body) byte = static_cast<std::uint8_t>(random());
      batch.put(body_key(1, i), body);
    }
    must(database->commit(std::move(batch)));
    must(database->compact());
  }
  const auto tables = [&] {
    return std::ranges::count_if(
        std::filesystem::directory_iterator(dir.chain()),
        [](const auto& file) { return file.path().extension() == ".sst"; });
  };
  const auto at_first = tables();
  constexpr int kCommands = 3 * kTablesMerged;
  for (std::uint32_t i = 0; i < kCommands; ++i) {
    const auto database = open(Access::write);
    Batch batch = database->batch();
    for (const std::uint64_t no : {0, 1, 2}) batch.put(body_key(no, 1'000 + i), {});
    must(database->commit(std::move(batch)));
    must(database->flush());
    EXPECT_LE(tables(), at_first + 2 * kTablesMerged);
  }
  EXPECT_LT(tables(), at_first + kTablesMerged);
  EXPECT_EQ(records_of(dir).size(), 2'000 + 2 * kCommands);
}

}  // namespace
}  // namespace bmsg::storage
