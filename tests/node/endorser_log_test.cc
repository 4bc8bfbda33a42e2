// EndorserLog: what it allows after what was signed, and that nothing makes it forget in silence.

#include "lib/node/endorser_log.h"

#include <gtest/gtest.h>

#include "tests/support/fault_disk.h"
#include "tests/support/memory_disk.h"
#include "tests/support/seed.h"

namespace bmsg::node {
namespace {

constexpr const char* kFile = "endorser.log";
const EndorserKey kKey = EndorserKey::filled(1);
constexpr std::uint64_t kAhead = 120;  // What was signed may be dated so many seconds ahead.

/// Made at a time in the clock's generation `clock`, of the block's own `generation`.
Endorsed entry(std::uint32_t height, std::uint8_t parent, std::uint64_t generation,
               std::uint64_t clock, std::uint8_t hash) {
  return {Height{height}, BlockHash::filled(parent), generation, clock, BlockHash::filled(hash)};
}

struct EndorserLogTest : testing::Test {
  MemoryDisk disk;
  EndorserLog log = begun();

  EndorserLog begun() {
    EXPECT_TRUE(EndorserLog::begin(disk, kFile, kKey));
    return open();
  }
  EndorserLog open(std::uint64_t now = 1000) {
    return EndorserLog::open(disk, kFile, kKey, UnixSeconds{now}).value();
  }
  bool allows(const Endorsed& wanted, std::uint64_t began = 1) const {
    return log.allows(wanted, UnixSeconds{began});
  }
};

TEST_F(EndorserLogTest, OfANewKeyAllowsAnything) {
  EXPECT_FALSE(log.is_new());
  EXPECT_TRUE(allows(entry(1, 9, 0, 0, 1), 0));
}

TEST_F(EndorserLogTest, AllowsOneBlockOfAParentAndGeneration) {
  ASSERT_TRUE(log.add(entry(5, 9, 3, 3, 1)));
  EXPECT_FALSE(allows(entry(5, 9, 3, 7, 2)));
  EXPECT_TRUE(allows(entry(5, 9, 4, 7, 2)));
  EXPECT_TRUE(allows(entry(5, 8, 3, 3, 2)));
  EXPECT_TRUE(allows(entry(5, 9, 3, 3, 1))) << "the same block again";
}

TEST_F(EndorserLogTest, AllowsOneBlockOfAParentInAGenerationOfTheClock) {
  ASSERT_TRUE(log.add(entry(5, 9, 3, 3, 1)));
  EXPECT_FALSE(allows(entry(5, 9, 4, 3, 2)));
  EXPECT_TRUE(allows(entry(5, 9, 4, 4, 2)));
}

TEST_F(EndorserLogTest, IsReadAgainAsItWas) {
  ASSERT_TRUE(log.add(entry(5, 9, 3, 3, 1)));
  ASSERT_TRUE(log.add(entry(6, 1, 0, 0, 2)));
  const EndorserLog again = open();
  EXPECT_FALSE(again.is_new());
  EXPECT_EQ(again.entries(), log.entries());
  EXPECT_EQ(again.since(), UnixSeconds{0});
  EXPECT_FALSE(again.allows(entry(5, 9, 3, 7, 2), UnixSeconds{1}));
}

TEST_F(EndorserLogTest, MissingOrDamagedOrOfAnotherKeyIsBegunAnewFromNowOn) {
  ASSERT_TRUE(log.add(entry(5, 9, 3, 3, 1)));
  const Bytes good = disk.files.at(kFile);
  const auto expect_anew = [&](const EndorserKey& key) {
    log = EndorserLog::open(disk, kFile, key, UnixSeconds{1000}).value();
    EXPECT_TRUE(log.is_new());
    EXPECT_TRUE(log.entries().empty());
    EXPECT_FALSE(allows(entry(7, 7, 0, 0, 7), 1000 + kAhead));
    EXPECT_TRUE(allows(entry(7, 7, 0, 0, 7), 1001 + kAhead));
    // What was told once is known from then on.
    log = EndorserLog::open(disk, kFile, key, UnixSeconds{2000}).value();
    EXPECT_FALSE(log.is_new());
    EXPECT_EQ(log.since(), UnixSeconds{1000 + kAhead});
  };
  disk.files.clear();
  expect_anew(kKey);
  disk.files[kFile] = Bytes(good.begin(), good.end() - 1);
  expect_anew(kKey);
  disk.files[kFile] = {};
  expect_anew(kKey);
  disk.files[kFile] = good;
  expect_anew(EndorserKey::filled(2));
}

TEST_F(EndorserLogTest, TakesNoAlteredByteForAnotherKeyOrAForgottenEntry) {
  ASSERT_TRUE(log.add(entry(5, 9, 3, 3, 1)));
  const Bytes good = disk.files.at(kFile);
  auto numbers = seeded_numbers();
  std::uint64_t damaged = 0;
  for (int i = 0; i < 500; ++i) {
    disk.files[kFile] = mutated(numbers, good);
    const EndorserLog read = open();
    damaged += read.is_new() ? 1 : 0;
    EXPECT_TRUE(read.is_new() || read.entries() == log.entries());
  }
  EXPECT_GT(damaged, 0U);
}

TEST_F(EndorserLogTest, SeesEachBitThatFlips) {
  ASSERT_TRUE(log.add(entry(5, 9, 31, 47, 1)));
  const Bytes good = disk.files.at(kFile);
  EXPECT_TRUE(EndorserLog::is_whole(kKey, as_text(good)));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes altered = good;
    altered[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_FALSE(EndorserLog::is_whole(kKey, as_text(altered))) << "bit " << bit;
  }
}

TEST_F(EndorserLogTest, OfTheVersionBeforeIsReadAndReplaced) {
  ASSERT_TRUE(log.add(entry(5, 9, 3, 3, 1)));
  std::string text = to_string(disk.files.at(kFile));
  text.replace(0, text.find('\n'), "bmsg-endorser-log 1");
  disk.files[kFile] = to_bytes(text);
  log = open();
  EXPECT_FALSE(log.is_new());
  ASSERT_EQ(log.entries().size(), 1U);
  ASSERT_TRUE(log.add(entry(6, 1, 0, 0, 2)));
  EXPECT_TRUE(to_string(disk.files.at(kFile)).starts_with("bmsg-endorser-log 2 "));
  EXPECT_EQ(open().entries().size(), 2U);
}

TEST_F(EndorserLogTest, DistrustNeverGoesBack) {
  ASSERT_TRUE(log.add(entry(5, 9, 3, 3, 1)));
  ASSERT_TRUE(log.distrust(UnixSeconds{500}));
  ASSERT_TRUE(log.distrust(UnixSeconds{400}));
  EXPECT_EQ(log.since(), UnixSeconds{500 + kAhead});
  EXPECT_EQ(open().since(), UnixSeconds{500 + kAhead});
  EXPECT_FALSE(allows(entry(6, 1, 0, 0, 2), 500 + kAhead));
  EXPECT_TRUE(allows(entry(6, 1, 0, 0, 2), 501 + kAhead));
  EXPECT_TRUE(allows(entry(5, 9, 3, 3, 1), 1)) << "what it has signed it may sign again";
}

TEST_F(EndorserLogTest, ForgetsLowHeightsAndSignsNothingThere) {
  ASSERT_TRUE(log.add(entry(5, 9, 3, 3, 1)));
  ASSERT_TRUE(log.add(entry(5 + kEndorsedHeights - 1, 8, 0, 0, 2)));
  EXPECT_EQ(log.entries().size(), 2U);
  EXPECT_TRUE(allows(entry(5, 7, 0, 0, 3)));
  ASSERT_TRUE(log.add(entry(5 + kEndorsedHeights, 7, 0, 0, 4)));
  EXPECT_EQ(log.entries().size(), 2U);
  EXPECT_FALSE(allows(entry(5, 9, 3, 7, 5)));
  EXPECT_FALSE(allows(entry(5, 6, 0, 0, 5)));
  EXPECT_TRUE(allows(entry(6, 6, 0, 0, 5)));
}

TEST_F(EndorserLogTest, RemembersNothingThatIsNotOnDisk) {
  FaultDisk faulty(disk);
  log = EndorserLog::open(faulty, kFile, kKey, UnixSeconds{1000}).value();
  ASSERT_TRUE(log.add(entry(5, 9, 3, 3, 1)));
  faulty.fail_after(0, Failing::once);
  EXPECT_FALSE(log.add(entry(6, 1, 0, 0, 2)));
  EXPECT_EQ(faulty.failures(), 1U);
  EXPECT_EQ(log.entries().size(), 1U);
  EXPECT_EQ(open().entries(), log.entries());
}

TEST_F(EndorserLogTest, OnADiskThatCannotBeReadIsAnErrorAndNotANewLog) {
  FaultDisk faulty(disk);
  faulty.fail_after(0, Failing::once);
  EXPECT_FALSE(EndorserLog::open(faulty, kFile, kKey, UnixSeconds{1000}));
  EXPECT_EQ(faulty.failures(), 1U);
  EXPECT_FALSE(open().is_new());
}

}  // namespace
}  // namespace bmsg::node
