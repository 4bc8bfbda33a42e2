// Making and opening a RocksStore: who may, and what is noticed.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "storage/database.h"
#include "storage/format.h"
#include "storage/schema.h"
#include "tests/storage/rocks_store_fixture.h"

namespace bmsg::storage {
namespace {

using OpenStoreTest = RocksStoreTest;

TEST_F(OpenStoreTest, BeginsWithGenesis) {
  reopen();
  const node::Tip tip = must(store_->tip());
  EXPECT_EQ(tip.height.value, 0);
  EXPECT_EQ(tip.hash, builder_.genesis_hash());
  EXPECT_TRUE(tip.work.is_zero());
  EXPECT_EQ(tip.time, builder_.genesis().time);
  EXPECT_EQ(must(store_->rules_text()), builder_.rules_text());
  EXPECT_EQ(must(store_->block(tip.hash, Bodies::with))->header, builder_.genesis());
  EXPECT_TRUE(must(store_->tree_node(0, 0)));
}

TEST_F(OpenStoreTest, IsNotMadeTwice) {
  store_.reset();
  const auto again = dir_.create();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::exists);
}

TEST_F(OpenStoreTest, IsNotMadeFromBadRules) {
  const TempDir other;
  EXPECT_EQ(StoreDir(other.path()).create("no rules").error().code, Errc::bad_input);
  EXPECT_TRUE(std::filesystem::is_empty(other.path()));
}

TEST_F(OpenStoreTest, IsNotFoundWhereThereIsNone) {
  const TempDir other;
  EXPECT_EQ(StoreDir(other.path()).open().error().code, Errc::not_found);
  EXPECT_EQ(StoreDir(other.path()).read().error().code, Errc::not_found);
  EXPECT_TRUE(std::filesystem::is_empty(other.path()));
}

TEST_F(OpenStoreTest, HasOneWriter) {
  const auto second = dir_.open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::locked);
  EXPECT_NE(second.error().message.find("another program"), std::string::npos);
}

TEST_F(OpenStoreTest, TellsALockThatCannotBeOpenedFromOneThatIsHeld) {
  store_.reset();
  const auto lock = dir_.chain() / "LOCK";
  std::filesystem::remove(lock);
  std::filesystem::create_directory(lock);
  const auto opened = dir_.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::io);
  EXPECT_NE(opened.error().message.find("Is a directory"), std::string::npos);
}

/// Each command that writes leaves a log. A few are kept, since they are read faster than
/// rewritten.
TEST_F(OpenStoreTest, KeepsFewLogsAndAllThatTheyHold) {
  const auto count = [this](std::string_view ending) {
    std::size_t found = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.chain())) {
      const bool counts = entry.path().extension() == ending && entry.file_size() > 0;
      found += counts ? 1 : 0;
    }
    return found;
  };
  std::vector<Block> blocks{first_};
  std::size_t most = 0;
  for (std::uint32_t height = 1; height < 12; ++height) {
    apply(adding(builder_.chain(), {blocks.back()}, work_at(height - 1)));
    blocks.push_back(block_of(builder_, blocks.back().header, fmt::format("{} ", height), 2));
    reopen();
    most = std::max(most, count(".log"));
    const auto reader = must(dir_.read());
    for (const auto* store : {store_.get(), reader.get()}) {
      EXPECT_EQ(must(store->tip()).height.value, height);
      for (std::uint32_t at = 1; at <= height; ++at) {
        EXPECT_EQ(must(store->block(hash(blocks[at - 1]), Bodies::with)), blocks[at - 1]);
      }
    }
  }
  EXPECT_GT(most, 1u);  // Not each one was made into a table.
  EXPECT_LE(most, 4u);
  EXPECT_GT(count(".sst"), 0u);
}

/// Otherwise it would lie in the oldest table alone, behind all others.
TEST_F(OpenStoreTest, HasItsFormatInItsNewestLog) {
  const auto in_logs = [this](std::string_view wanted) {
    std::size_t found = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir_.chain())) {
      if (entry.path().extension() != ".log") continue;
      const auto log = must(SystemDisk().read(entry.path(), 1u << 20));
      if (log && as_text(*log).find(wanted) != std::string_view::npos) ++found;
    }
    return found;
  };
  must(store_->flush());
  reopen();
  EXPECT_EQ(in_logs("Mformat"), 0U);
  apply(adding(builder_.chain(), {first_}));
  EXPECT_EQ(in_logs("Mformat"), 1U);
  EXPECT_EQ(in_logs("Mrules"), 0U);
  reopen();
  EXPECT_FALSE(store_->is_light());
}

TEST_F(OpenStoreTest, IsReadBesideItsWriterAsItWasWhenOpened) {
  apply(adding(builder_.chain(), {first_}));
  const auto reader = must(dir_.read());
  apply(adding(builder_.chain(), {second_}, work_at(1)));
  EXPECT_EQ(must(reader->tip()).hash, hash(first_));
  EXPECT_EQ(must(reader->block(hash(first_), Bodies::with)), first_);
  EXPECT_EQ(must(must(dir_.read())->tip()).hash, hash(second_));
}

TEST_F(OpenStoreTest, IsReadWhereNothingMayBeWritten) {
  grow();
  store_.reset();
  const auto before = std::filesystem::last_write_time(dir_.chain());
  EXPECT_EQ(must(must(dir_.read())->tip()).hash, hash(second_));
  EXPECT_EQ(std::filesystem::last_write_time(dir_.chain()), before);
}

TEST_F(OpenStoreTest, RefusesANewerFormatAndLeavesItAlone) {
  store_.reset();
  {
    const auto database = must(Database::open(dir_.chain(), Access::write, dir_.options()));
    Batch batch = database->batch();
    put_format(batch, key(Kind::meta, "format"), kLightChainFormat + 1);
    ASSERT_TRUE(database->commit(std::move(batch)));
  }
  const auto before = std::filesystem::last_write_time(dir_.chain());
  for (const auto& refused : {dir_.open(), dir_.read()}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::bad_config);
    EXPECT_NE(refused.error().message.find("made by a newer bmsg (format 4, this one knows 3)"),
              std::string::npos);
  }
  EXPECT_EQ(std::filesystem::last_write_time(dir_.chain()), before);
}

TEST_F(OpenStoreTest, StaysLightAndHasAFormatThatProgramsWithoutLightStoresRefuse) {
  EXPECT_FALSE(store_->is_light());
  const TempDir other;
  StoreDir dir(other.path());
  {
    const auto made =
        must(RocksStore::create(dir.chain(), easy_rules_text(), dir.options(), node::Keeps::heads));
    EXPECT_TRUE(made->is_light());
  }
  EXPECT_TRUE(must(dir.open())->is_light());
  EXPECT_TRUE(must(dir.read())->is_light());
  const auto database = must(Database::open(dir.chain(), Access::read, dir.options()));
  const auto refused = read_format(database->view(), key(Kind::meta, "format"), {2, 2});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::bad_config);
}

TEST_F(OpenStoreTest, RefusesTheRulesOfAnotherChain) {
  store_.reset();
  SystemDisk disk;
  OpenOptions options = dir_.options();
  options.genesis = temp_.path() / "genesis";
  ASSERT_TRUE(disk.replace(*options.genesis, as_bytes(easy_rules_text())));
  EXPECT_TRUE(RocksStore::open(dir_.chain(), options));
  ASSERT_TRUE(disk.replace(*options.genesis, as_bytes(easy_rules_text("stamp", "16"))));
  for (const auto& refused : {RocksStore::open(dir_.chain(), options),
                              RocksStore::open_read_only(dir_.chain(), options)}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::corrupt);
  }
}

TEST_F(OpenStoreTest, CompletesWhatACrashLeftOfMakingIt) {
  const TempDir other;
  StoreDir dir(other.path());
  { must(Database::open(dir.chain(), Access::create, dir.options())); }
  EXPECT_EQ(dir.open().error().code, Errc::corrupt);
  EXPECT_EQ(must(must(dir.create())->tip()).hash, builder_.genesis_hash());
}

TEST_F(OpenStoreTest, TellsWhenAnOldCopyWasPutBack) {
  apply(adding(builder_.chain(), {first_}));
  store_.reset();
  const auto copy = temp_.path() / "copy";
  std::filesystem::copy(dir_.chain(), copy, std::filesystem::copy_options::recursive);
  store_ = must(dir_.open());
  apply(adding(builder_.chain(), {second_}, work_at(1)));
  store_.reset();
  std::filesystem::remove_all(dir_.chain());
  std::filesystem::rename(copy, dir_.chain());
  for (const auto& refused : {dir_.open(), dir_.read()}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::corrupt);
    EXPECT_NE(refused.error().message.find("behind its witness"), std::string::npos);
  }
}

TEST_F(OpenStoreTest, MayBeAheadOfItsWitnessAndMendsIt) {
  const Witness genesis = *must(read_witness(SystemDisk(), dir_.witness()));
  grow();
  store_.reset();
  SystemDisk disk;
  ASSERT_TRUE(write_witness(disk, dir_.witness(), genesis));
  EXPECT_TRUE(dir_.read());
  EXPECT_EQ(must(read_witness(disk, dir_.witness())), genesis);
  store_ = must(dir_.open());
  EXPECT_EQ(must(read_witness(disk, dir_.witness())), witness_of(must(store_->tip())));
}

TEST_F(OpenStoreTest, TellsWhenItsWitnessIsGoneOrDamaged) {
  grow();
  store_.reset();
  std::filesystem::resize_file(dir_.witness(), 40);
  EXPECT_EQ(dir_.open().error().code, Errc::corrupt);
  std::filesystem::remove(dir_.witness());
  EXPECT_EQ(dir_.open().error().code, Errc::corrupt);
  EXPECT_EQ(dir_.read().error().code, Errc::corrupt);
}

}  // namespace
}  // namespace bmsg::storage
