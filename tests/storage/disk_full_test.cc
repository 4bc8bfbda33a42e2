// A full disk is told in time: RocksDB would end the program when it finds out by itself.

#include <gtest/gtest.h>

#include "storage/rocks_mail_store.h"
#include "tests/storage/store_dir.h"
#include "tests/support/full_disk.h"

namespace bmsg::storage {
namespace {

class DiskFullTest : public ::testing::Test {
 protected:
  OpenOptions options() { return {.disk = disk_, .witness = temp_.path() / "witness"}; }
  std::filesystem::path chain() const { return temp_.path() / "chain"; }
  static void expect_full(const Error& error) {
    EXPECT_EQ(error.code, Errc::io);
    EXPECT_TRUE(error.message.starts_with("disk full: ")) << error.message;
  }

  TempDir temp_;
  FullDisk disk_;
  ChainBuilder builder_;
};

TEST_F(DiskFullTest, StopsMakingAStoreAndLeavesRoomToTryAgain) {
  disk_.set_free_bytes(kFreeBytesMin);
  const auto made = RocksStore::create(chain(), builder_.rules_text(), options());
  ASSERT_FALSE(made);
  expect_full(made.error());
  disk_.set_free_bytes(1u << 30);
  EXPECT_TRUE(RocksStore::create(chain(), builder_.rules_text(), options()));
}

TEST_F(DiskFullTest, StopsOpeningForWritingButNotReading) {
  ASSERT_TRUE(RocksStore::create(chain(), builder_.rules_text(), options()));
  disk_.set_free_bytes(kFreeBytesMin);
  const auto opened = RocksStore::open(chain(), options());
  ASSERT_FALSE(opened);
  expect_full(opened.error());
  disk_.set_free_bytes(0);
  EXPECT_TRUE(RocksStore::open_read_only(chain(), options()));
}

TEST_F(DiskFullTest, StopsAChangeThatDoesNotFitAndTakesASmallerOne) {
  const auto store = must(RocksStore::create(chain(), builder_.rules_text(), options()));
  const Block large = block_of(builder_, builder_.genesis(), "large ", 200);
  const Block small = block_of(builder_, builder_.genesis(), "small ", 1);
  disk_.set_free_bytes(kFreeBytesMin + 20'000);
  const auto applied = store->apply(adding(builder_.chain(), {large}));
  ASSERT_FALSE(applied);
  expect_full(applied.error());
  EXPECT_EQ(must(store->tip()).height.value, 0);
  EXPECT_TRUE(store->apply(adding(builder_.chain(), {small})));
  EXPECT_EQ(must(store->tip()).height.value, 1);
}

TEST_F(DiskFullTest, SaysWhatIsNeededAndWhatThereIs) {
  const auto store = must(RocksStore::create(chain(), builder_.rules_text(), options()));
  disk_.set_free_bytes(12345);
  const auto put = store->put_peer(node::Peer());
  ASSERT_FALSE(put);
  EXPECT_TRUE(put.error().message.ends_with("bytes, has 12345")) << put.error().message;
}

TEST_F(DiskFullTest, StopsMaintenanceThatRewrites) {
  const auto store = must(RocksStore::create(chain(), builder_.rules_text(), options()));
  disk_.set_free_bytes(kFreeBytesMin);
  expect_full(store->flush().error());
  ASSERT_TRUE(store->tip());
  disk_.set_free_bytes(kFreeBytesMin - 1);
  expect_full(store->compact().error());
}

/// The room that the tables of a database take.
std::uint64_t table_bytes(const std::filesystem::path& directory) {
  std::uint64_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    if (file.path().extension() == ".sst") bytes += file.file_size();
  }
  return bytes;
}

TEST_F(DiskFullTest, GivesRoomBackWhereThereIsSomeToWorkIn) {
  const auto store = must(RocksStore::create(chain(), builder_.rules_text(), options()));
  const Block block = block_of(builder_, builder_.genesis(), "forgotten ", 200);
  ASSERT_TRUE(store->apply(adding(builder_.chain(), {block})));
  const MessageId id = chain::id_of(block.messages.front().head);
  ASSERT_TRUE(store->apply({.drop = {{id, UnixSeconds{1}, node::DropRule::named}}}));
  ASSERT_TRUE(store->flush());
  const std::uint64_t before = table_bytes(chain());
  ASSERT_GT(before, 20'000u);
  disk_.set_free_bytes(kFreeBytesMin + before - 1);
  expect_full(store->give_back_room().error());
  EXPECT_EQ(table_bytes(chain()), before) << "half of it was done";
  EXPECT_EQ(must(store->dropped()).size(), 1u) << "the forgetting does not wait for room";
  disk_.set_free_bytes(kFreeBytesMin + before);
  EXPECT_TRUE(store->give_back_room());
  EXPECT_EQ(must(store->dropped()).size(), 1u);
}

TEST_F(DiskFullTest, StopsTheMailIndexToo) {
  const auto directory = temp_.path() / "mail";
  const auto store = must(RocksMailStore::open(directory, options()));
  disk_.set_free_bytes(kFreeBytesMin);
  expect_full(store->apply({.values = {{"k", Bytes(10, 1)}}}).error());
  EXPECT_FALSE(must(store->value("k")));
}

TEST_F(DiskFullTest, LetsOneBlockGetAheadOfAWitnessThatCannotBeWritten) {
  const auto store = must(RocksStore::create(chain(), builder_.rules_text(), options()));
  const Block first = block_of(builder_, builder_.genesis(), "one ", 1);
  const auto change = adding(builder_.chain(), {first});
  disk_.set_writable(false);
  ASSERT_TRUE(store->apply(change));
  const Block second = block_of(builder_, first.header, "two ", 1);
  const auto next = adding(builder_.chain(), {second}, change.added[0].total_work);
  EXPECT_EQ(store->apply(next).error().code, Errc::io);
  EXPECT_EQ(must(store->tip()).height.value, 1);
  disk_.set_writable(true);
  ASSERT_TRUE(store->apply(next));
  EXPECT_EQ(must(read_witness(disk_, temp_.path() / "witness")), witness_of(must(store->tip())));
}

}  // namespace
}  // namespace bmsg::storage
