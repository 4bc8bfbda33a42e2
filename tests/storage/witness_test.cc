#include "storage/witness.h"

#include "storage/witness_keeper.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "lib/core/try.h"
#include "tests/support/cut_disk.h"
#include "tests/support/seed.h"
#include "tests/support/temp_dir.h"

namespace bmsg::storage {
namespace {

Work work(std::uint8_t low) {
  Work made;
  made.data()[Work::kSize - 1] = low;
  return made;
}

Witness some_witness() { return {.height = {7}, .hash = BlockHash::filled(0xab), .work = work(9)}; }

node::Tip tip(std::uint32_t height, std::uint8_t hash, std::uint8_t low_work) {
  return {.height = {height}, .hash = BlockHash::filled(hash), .work = work(low_work), .time = {}};
}

std::string repeated(const char* text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

TEST(Witness, IsOneLineWithAChecksum) {
  // The checksum is what Python's zlib.crc32 gives for the line before it.
  EXPECT_EQ(print(some_witness()),
            "7 " + repeated("ab", 64) + " " + repeated("00", 31) + "09 3537310c\n");
}

TEST(Witness, IsReadBack) {
  EXPECT_EQ(parse_witness(print(some_witness())).value(), some_witness());
  const Witness most{{0xffffffff}, BlockHash::filled(0xff), Work::filled(0xff)};
  EXPECT_EQ(parse_witness(print(most)).value(), most);
}

TEST(Witness, IsRefusedWithAnyBitFlipped) {
  const std::string line = print(some_witness());
  for (std::size_t bit = 0; bit < line.size() * 8; ++bit) {
    std::string flipped = line;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    const auto read = parse_witness(flipped);
    ASSERT_FALSE(read) << flipped;
    EXPECT_EQ(read.error().code, Errc::corrupt);
  }
}

TEST(Witness, IsRefusedWhereItIsCut) {
  const std::string line = print(some_witness());
  for (std::size_t length = 0; length < line.size(); ++length) {
    EXPECT_FALSE(parse_witness(line.substr(0, length))) << length;
  }
  EXPECT_FALSE(parse_witness(line + "\n"));
  EXPECT_FALSE(parse_witness("0" + line));
}

TEST(Witness, IsKeptInAFile) {
  const TempDir directory;
  SystemDisk disk;
  const auto file = directory.path() / "witness";
  EXPECT_FALSE(read_witness(disk, file).value());
  ASSERT_TRUE(write_witness(disk, file, some_witness()));
  EXPECT_EQ(read_witness(disk, file).value(), some_witness());
}

/// A file of a witness and what it says.
struct WitnessInFile : testing::Test {
  TempDir directory;
  SystemDisk disk;
  std::filesystem::path file = directory.path() / "witness";
  Witness first = witness_of(tip(1, 0x50, 1));
  Witness second = witness_of(tip(2, 0x50, 2));
  Witness third = witness_of(tip(3, 0x50, 3));

  std::string text() const { return to_string(*disk.read(file, SIZE_MAX).value()); }
  void set_text(const std::string& text) { ASSERT_TRUE(disk.replace(file, as_bytes(text))); }
  Witness newest() const { return *read_witness(disk, file).value(); }
};

TEST_F(WitnessInFile, AdvancesInTwoSlotsInTurn) {
  ASSERT_TRUE(advance_witness(disk, file, first));
  EXPECT_EQ(newest(), first);
  EXPECT_EQ(text().size(), kWitnessSlotBytes);
  ASSERT_TRUE(advance_witness(disk, file, second));
  EXPECT_EQ(newest(), second);
  EXPECT_EQ(text().size(), 2 * kWitnessSlotBytes);
  const std::string before = text();
  ASSERT_TRUE(advance_witness(disk, file, third));
  EXPECT_EQ(newest(), third);
  EXPECT_EQ(text().substr(kWitnessSlotBytes), before.substr(kWitnessSlotBytes));
  // What is not better begins anew: else it would not count.
  ASSERT_TRUE(advance_witness(disk, file, first));
  EXPECT_EQ(newest(), first);
  EXPECT_EQ(text().size(), kWitnessSlotBytes);
}

TEST_F(WitnessInFile, OfAnOlderProgramIsReadAndReplaced) {
  set_text(print(second));
  EXPECT_EQ(newest(), second);
  ASSERT_TRUE(advance_witness(disk, file, third));
  EXPECT_EQ(newest(), third);
  EXPECT_EQ(text().size(), kWitnessSlotBytes);
}

TEST_F(WitnessInFile, OutlivesACrashWhileEitherSlotIsWritten) {
  for (const bool is_back : {false, true}) {
    ASSERT_TRUE(write_witness(disk, file, first));
    if (is_back) {
      ASSERT_TRUE(advance_witness(disk, file, second));
    }
    const Witness older = newest();
    const std::string before = text();
    ASSERT_TRUE(advance_witness(disk, file, third));
    const std::string after = text();
    const std::size_t begin = is_back ? 0 : kWitnessSlotBytes;
    for (std::size_t cut = 1; cut < kWitnessSlotBytes; ++cut) {
      std::string torn = after.substr(0, begin + cut);
      if (is_back) torn += before.substr(cut);
      // What ends behind the line is whole but for spaces, and they count, too.
      const bool is_whole = torn == after;
      set_text(torn);
      ASSERT_EQ(newest(), is_whole ? third : older) << cut;
      const auto read = read_witness_file(disk, file).value();
      const bool is_spoiled = torn.size() % kWitnessSlotBytes != 0 || torn != before;
      ASSERT_EQ(read->is_spoiled, is_spoiled && !is_whole) << cut;
      // The commit came first: a store that is there is ahead; one that is not lost it.
      ASSERT_TRUE(compare_file(tip(3, 0x50, 3), read));
      if (read->is_spoiled) {
        ASSERT_FALSE(compare_file(
            {.height = older.height, .hash = older.hash, .work = older.work, .time = {}}, read));
      }
      ASSERT_TRUE(advance_witness(disk, file, third));
      ASSERT_EQ(newest(), third);
    }
  }
}

TEST_F(WitnessInFile, IsMalformedWhereNoSlotIsWhole) {
  ASSERT_TRUE(write_witness(disk, file, first));
  ASSERT_TRUE(advance_witness(disk, file, second));
  std::string spoiled = text();
  spoiled[0] ^= 1;
  spoiled[kWitnessSlotBytes] ^= 1;
  set_text(spoiled);
  EXPECT_EQ(read_witness(disk, file).error().code, Errc::corrupt);
}

TEST_F(WitnessInFile, IsThereWhenTheKeeperIsDone) {
  {
    WitnessKeeper keeper(disk, file);
    keeper.begin(first);
    keeper.begin(second);
    ASSERT_TRUE(keeper.finish());
    EXPECT_EQ(newest(), second);
    keeper.begin(third);
  }
  EXPECT_EQ(newest(), third);
  WitnessKeeper nowhere(disk, directory.path() / "missing" / "witness");
  nowhere.begin(first);
  EXPECT_EQ(nowhere.finish().error().code, Errc::io);
}

TEST(Witness, AgreesWithAStoreThatIsThereOrAhead) {
  const Witness witness = witness_of(tip(7, 0x50, 9));
  EXPECT_TRUE(compare(tip(7, 0x50, 9), witness));
  EXPECT_TRUE(compare(tip(8, 0x77, 10), witness));
  EXPECT_TRUE(compare(tip(5, 0x77, 10), witness)) << "fewer blocks with more work";
  EXPECT_TRUE(compare(tip(7, 0x4f, 9), witness)) << "the same work and the smaller hash";
}

TEST(Witness, TellsOnAStoreThatIsBehind) {
  const Witness witness = witness_of(tip(7, 0x50, 9));
  for (const node::Tip& behind : {tip(6, 0x11, 8), tip(7, 0x51, 9), tip(9, 0x11, 8)}) {
    const auto compared = compare(behind, witness);
    ASSERT_FALSE(compared);
    EXPECT_EQ(compared.error().code, Errc::corrupt);
    EXPECT_NE(compared.error().message.find("the store is behind its witness"), std::string::npos);
  }
}

TEST(Witness, MayOnlyBeMissingBeforeTheFirstBlock) {
  EXPECT_TRUE(compare(tip(0, 1, 0), std::nullopt));
  EXPECT_EQ(compare(tip(1, 1, 1), std::nullopt).error().code, Errc::corrupt);
}

/// Writes those from `next` on, which becomes the first that was not acknowledged.
Result<Done> write_all(Disk& disk, const std::filesystem::path& file, std::uint8_t& next) {
  for (; next < 6; ++next) {
    const Witness witness{{next}, BlockHash::filled(next), work(next)};
    BMSG_TRY(advance_witness(disk, file, witness));
  }
  return done;
}

/// The store is one block ahead where a witness was under way.
void expect_sound(const Disk& disk, const std::filesystem::path& file, std::uint8_t next) {
  const auto read = read_witness_file(disk, file);
  ASSERT_TRUE(read) << read.error().message;
  const std::uint32_t height = read.value() ? read.value()->newest.height.value : 0;
  EXPECT_GE(height + 1, next) << "an acknowledged one is lost";
  EXPECT_LE(height, next);
  const auto compared = compare_file(tip(next, next, next), read.value());
  EXPECT_TRUE(compared || height == 0) << compared.error().message;
}

/// The power goes at each change, and each call fails, in every way; a later one goes on.
TEST(Witness, LastsWhereverThePowerGoesOrACallFails) {
  auto random = seeded_numbers();
  std::uint64_t struck = 0;
  for (unsigned way = 0; way < 32; ++way) {
    for (std::uint64_t at = 1;; ++at) {
      SCOPED_TRACE("way " + std::to_string(way) + ", at " + std::to_string(at));
      const TempDir directory;
      const auto file = directory.path() / "witness";
      CutDisk disk(directory.path());
      if (way < 16) disk.cut_at(at);
      if (way >= 16) disk.fail_at(at, EIO, CutDisk::Failing::once);
      std::uint8_t next = 1;
      const auto written = write_all(disk, file, next);
      if (written) break;
      ++struck;
      disk.heal();
      const auto reboot = [&] {
        disk.reboot(static_cast<CutDisk::Tail>(way / 4 % 4), static_cast<CutDisk::Names>(way % 4),
                    random);
      };
      if (way < 16) {
        reboot();
        ASSERT_NO_FATAL_FAILURE(expect_sound(disk, file, next));
      } else {
        next =
            static_cast<std::uint8_t>(std::min(next + 1, 5));  // Its block is there all the same.
      }
      ASSERT_TRUE(write_all(disk, file, next));
      reboot();
      const auto last = read_witness(disk, file).value();
      ASSERT_TRUE(last);
      EXPECT_EQ(last->height.value, 5u);
    }
  }
  EXPECT_GE(struck, 32 * 12u);
}

}  // namespace
}  // namespace bmsg::storage
