// Stored bytes change: nothing else than what was written is ever given out as what was written.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "lib/core/try.h"
#include "tests/storage/store_dir.h"
#include "tests/support/seed.h"

namespace bmsg::storage {
namespace {

namespace fs = std::filesystem;

constexpr int kFlipsEach = 25;

/// A store whose newest blocks are in the log and whose older ones are in a table.
class DamageTest : public ::testing::Test {
 protected:
  DamageTest() {
    const auto store = must(original_.create());
    for (int height = 1; height <= 12; ++height) {
      const Header parent = blocks_.empty() ? builder_.genesis() : blocks_.back().header;
      blocks_.push_back(block_of(builder_, parent, std::to_string(height) + " ", 3));
    }
    const std::vector<Block> older(blocks_.begin(), blocks_.begin() + 6);
    const std::vector<Block> newer(blocks_.begin() + 6, blocks_.end());
    check(bool(store->apply(adding(builder_.chain(), older))), "a test's first blocks");
    check(bool(store->flush()), "a test's flush");
    Work work = must(store->tip()).work;
    for (const Block& block : newer) {
      const auto change = adding(builder_.chain(), {block}, work);
      check(bool(store->apply(change)), "a test's next block");
      work = change.added[0].total_work;
    }
  }

  /// A copy to damage, in place of the one before.
  StoreDir fresh_copy() {
    const fs::path copy = temp_.path() / "copy";
    fs::remove_all(copy);
    fs::copy(temp_.path() / "store", copy, fs::copy_options::recursive);
    return StoreDir(copy);
  }

  static fs::path file_of(const StoreDir& dir, const std::string& kind) {
    for (const auto& entry : fs::directory_iterator(dir.chain())) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with(kind) || name.ends_with(kind)) return entry.path();
    }
    ADD_FAILURE() << "no file " << kind;
    return {};
  }

  void flip_bit(const fs::path& file) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    const std::uint64_t bit = number_up_to(random_, fs::file_size(file) * 8 - 1);
    stream.seekg(static_cast<std::streamoff>(bit / 8));
    const int flipped = stream.get() ^ 1 << bit % 8;
    stream.seekp(static_cast<std::streamoff>(bit / 8));
    stream.put(static_cast<char>(flipped));
  }

  /// Everything that the store holds must be what was written.
  Result<Done> read_all(RocksStore& store) {
    BMSG_TRY(store.verify_checksums());
    BMSG_TRY_ASSIGN(const auto tip, store.tip());
    EXPECT_EQ(tip.hash, chain::hash_of(blocks_.back().header));
    for (const Block& block : blocks_) {
      BMSG_TRY_ASSIGN(const auto at, store.hash_at(block.header.height));
      EXPECT_EQ(at, chain::hash_of(block.header));
      BMSG_TRY_ASSIGN(const auto stored, store.block(chain::hash_of(block.header), Bodies::with));
      EXPECT_EQ(stored, block);
      for (const MessageId& id : chain::ids_of(block)) {
        BMSG_TRY_ASSIGN(const auto places, store.places_of(id));
        EXPECT_EQ(places.size(), 1);
      }
    }
    return done;
  }

  Result<Done> open_and_read_all(StoreDir& dir) {
    {
      BMSG_TRY_ASSIGN(const auto reader, dir.read());
      BMSG_TRY(read_all(*reader));
    }
    BMSG_TRY_ASSIGN(const auto store, dir.open());
    return read_all(*store);
  }

  /// How often damage of that kind was reported; else it did no harm.
  template <class Damage>
  int count_reported(const std::string& kind, Damage damage) {
    int reported = 0;
    for (int i = 0; i < kFlipsEach; ++i) {
      StoreDir dir = fresh_copy();
      damage(file_of(dir, kind));
      const auto outcome = open_and_read_all(dir);
      if (outcome) continue;
      EXPECT_EQ(outcome.error().code, Errc::corrupt) << kind << ": " << outcome.error().message;
      ++reported;
    }
    return reported;
  }
  int flips_reported(const std::string& kind) {
    return count_reported(kind, [this](const fs::path& file) { flip_bit(file); });
  }

  TempDir temp_;
  StoreDir original_{temp_.path() / "store"};
  ChainBuilder builder_;
  std::vector<Block> blocks_;
  std::mt19937_64 random_ = seeded_numbers();
};

TEST_F(DamageTest, IsAbsentFromACopy) {
  StoreDir dir = fresh_copy();
  const auto outcome = open_and_read_all(dir);
  EXPECT_TRUE(outcome) << outcome.error().message;
}

TEST_F(DamageTest, OfATableIsReported) { EXPECT_GT(flips_reported(".sst"), kFlipsEach / 2); }

TEST_F(DamageTest, OfABodyLeavesTipAndHeadersReadable) {
  StoreDir dir(temp_.path() / "bodies");
  std::string text;
  for (int i = 0; i < 300; ++i) text += "0123456789abcdef"[number_up_to(random_, 15)];
  const Block block =
      builder_.block(builder_.genesis(), {builder_.public_message(text, UnixSeconds{})});
  {
    const auto store = must(dir.create());
    ASSERT_TRUE(store->apply(adding(builder_.chain(), {block})));
    ASSERT_TRUE(store->flush());
  }
  const fs::path table = file_of(dir, ".sst");
  std::stringstream bytes;
  bytes << std::ifstream(table, std::ios::binary).rdbuf();
  const std::size_t at = bytes.str().find(text);
  ASSERT_NE(at, std::string::npos) << "the body is in no table as it is";
  std::fstream(table, std::ios::in | std::ios::out | std::ios::binary).seekp(std::streamoff(at))
      << char(text[0] ^ 1);

  const auto reader = dir.read();
  ASSERT_TRUE(reader) << reader.error().message;
  const BlockHash hash = chain::hash_of(block.header);
  EXPECT_EQ(must(reader.value()->tip()).hash, hash);
  EXPECT_TRUE(must(reader.value()->header(hash)));
  EXPECT_TRUE(must(reader.value()->block(hash, Bodies::without)));
  const auto whole = reader.value()->block(hash, Bodies::with);
  ASSERT_FALSE(whole);
  EXPECT_EQ(whole.error().code, Errc::corrupt);
}

TEST_F(DamageTest, OfTheManifestIsReported) {
  EXPECT_GT(flips_reported("MANIFEST-"), kFlipsEach / 2);
}
TEST_F(DamageTest, OfCurrentIsReported) { EXPECT_GT(flips_reported("CURRENT"), kFlipsEach / 2); }

TEST_F(DamageTest, OfTheLogIsToldByTheWitness) {
  EXPECT_GT(flips_reported(".log"), kFlipsEach / 2);
}

TEST_F(DamageTest, ByCuttingTheLogIsToldByTheWitness) {
  const auto cut = [this](const fs::path& file) {
    fs::resize_file(file, number_up_to(random_, fs::file_size(file) - 1));
  };
  EXPECT_EQ(count_reported(".log", cut), kFlipsEach);
}

TEST_F(DamageTest, ByRemovingAFileIsReported) {
  const auto remove = [](const fs::path& file) { fs::remove(file); };
  for (const std::string kind : {".log", ".sst", "MANIFEST-", "CURRENT"}) {
    EXPECT_EQ(count_reported(kind, remove), kFlipsEach) << kind;
  }
}

TEST_F(DamageTest, ByCuttingAFileIsReported) {
  const auto cut = [this](const fs::path& file) {
    fs::resize_file(file, number_up_to(random_, fs::file_size(file) - 1));
  };
  EXPECT_EQ(count_reported(".sst", cut), kFlipsEach);
  EXPECT_EQ(count_reported("CURRENT", cut), kFlipsEach);
  // The last record of a manifest may be of no consequence.
  EXPECT_GT(count_reported("MANIFEST-", cut), kFlipsEach / 2);
}

TEST_F(DamageTest, IsNotTakenForAnEmptyDirectory) {
  StoreDir dir = fresh_copy();
  fs::remove(dir.chain() / "CURRENT");
  const auto made = dir.create(builder_.rules_text());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::corrupt);
  EXPECT_TRUE(fs::exists(file_of(dir, ".sst")));
}

TEST_F(DamageTest, IsReportedBeforeAnythingIsChanged) {
  StoreDir dir = fresh_copy();
  const fs::path log = file_of(dir, ".log");
  fs::resize_file(log, fs::file_size(log) / 2);
  EXPECT_FALSE(dir.open());
  // Half of the log is still there for a repair.
  EXPECT_TRUE(fs::exists(log));
}

}  // namespace
}  // namespace bmsg::storage
