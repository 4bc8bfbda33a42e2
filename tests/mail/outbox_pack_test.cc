#include "lib/mail/outbox_pack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "lib/chain/block_hash.h"
#include "lib/mail/outbox.h"
#include "tests/mail/support.h"
#include "tests/mail/test_chain.h"
#include "tests/support/fault_disk.h"
#include "tests/support/temp_dir.h"

namespace bmsg::mail {
namespace {

constexpr std::uint64_t kNow = golden::kMessageTime + 100;

std::vector<OutboxFile> some(std::size_t count) {
  std::vector<OutboxFile> files;
  for (std::size_t i = 0; i < count; ++i) {
    files.push_back({.since = {kNow + i},
                     .message = sealed_to({recipient(1, 2)}, "hello", i + 1),
                     .note = to_bytes("a note")});
  }
  return files;
}

MessageId id_of(const OutboxFile& file) { return chain::id_of(file.message.head); }

class PackTest : public testing::Test {
 protected:
  std::vector<std::string> names_in(const char* place) const {
    return disk.list(directory / place).value();
  }
  Bytes bytes_of(const std::string& name) const {
    return *disk.read(directory / "new" / name, kPackBytesMax).value();
  }
  /// Each is there once, and reads as it was written.
  void expect_all(const std::vector<OutboxFile>& files) const {
    const auto entries = Outbox(disk, directory).entries().value();
    ASSERT_EQ(entries.size(), files.size());
    for (std::size_t i = 0; i < files.size(); ++i) {
      EXPECT_EQ(entries[i].id, id_of(files[i]));
      EXPECT_EQ(entries[i].since, files[i].since);
      const auto read = outbox.read(entries[i]).value();
      ASSERT_TRUE(read);
      EXPECT_EQ(read->message, files[i].message);
      EXPECT_EQ(read->note, files[i].note);
    }
  }
  void take_all() {
    for (const auto& one : outbox.new_messages(SIZE_MAX).value()) {
      ASSERT_TRUE(outbox.mark_taken(one.name));
    }
  }

  TempDir temp;
  mutable SystemDisk disk;
  const std::filesystem::path directory = temp.path() / "outbox";
  Outbox outbox{disk, directory};
};

TEST(OutboxPack, GivesBackEachFile) {
  const auto files = some(5);
  const auto pack = OutboxPack::decode(encode_pack(files).bytes);
  ASSERT_TRUE(pack);
  ASSERT_EQ(pack.value().files().size(), 5u);
  for (const OutboxFile& file : files) {
    const PackedFile* packed = pack.value().find(id_of(file));
    ASSERT_NE(packed, nullptr);
    EXPECT_EQ(to_bytes(pack.value().bytes_of(*packed)), encode(file));
    EXPECT_EQ(packed->name(), outbox_name(file.since, id_of(file)));
  }
  EXPECT_EQ(pack.value().find(MessageId()), nullptr);
}

TEST(OutboxPack, RefusesWhatIsCutOrLongerAndEachChangedByteOfItsFront) {
  const Bytes whole = encode_pack(some(2)).bytes;
  constexpr std::size_t kFront = 4 + 1 + 4 + 2 * (8 + 64 + 4) + 64;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(OutboxPack::decode(cut)) << size;
  }
  for (std::size_t at = 0; at < kFront; ++at) {
    Bytes bad = whole;
    bad[at] ^= 1;
    EXPECT_FALSE(OutboxPack::decode(bad)) << at;
  }
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_EQ(OutboxPack::decode(longer).error().code, Errc::corrupt);
  Bytes newer = whole;
  newer[4] = 2;
  EXPECT_EQ(OutboxPack::decode(newer).error().code, Errc::bad_config);
}

TEST(OutboxPack, HasANameThatNoFileHas) {
  const EncodedPack pack = encode_pack(some(4));
  EXPECT_TRUE(is_pack_name(pack.name));
  EXPECT_FALSE(parse_outbox_name(pack.name));
  EXPECT_NE(pack.name, encode_pack(some(5)).name);
  for (const std::string bad : {"x.pack", ".pack", "pack", ""}) EXPECT_FALSE(is_pack_name(bad));
  EXPECT_FALSE(is_pack_name(pack.name + ".4127"));
  EXPECT_FALSE(is_pack_name(outbox_name({kNow}, MessageId())));
}

TEST_F(PackTest, IsWhatFourAndMoreAreQueuedIn) {
  ASSERT_TRUE(outbox.queue(some(3)));
  EXPECT_EQ(names_in("new").size(), 3u);
  const TempDir other;
  Outbox packed(disk, other.path());
  ASSERT_TRUE(packed.queue(some(4)));
  EXPECT_EQ(disk.list(other.path() / "new").value().size(), 1u);
  EXPECT_EQ(packed.entries().value().size(), 4u);
  EXPECT_TRUE(disk.list(other.path() / "tmp").value().empty());
}

TEST_F(PackTest, ShowsTheSameMessagesAsFilesOfTheirOwn) {
  const auto files = some(50);
  ASSERT_TRUE(outbox.queue(files));
  expect_all(files);
  const TempDir other;
  Outbox alone(disk, other.path());
  for (const OutboxFile& file : files) ASSERT_TRUE(alone.queue({file}));
  const auto packed = outbox.new_messages(SIZE_MAX).value();
  const auto single = alone.new_messages(SIZE_MAX).value();
  ASSERT_EQ(packed.size(), single.size());
  for (std::size_t i = 0; i < packed.size(); ++i) {
    EXPECT_EQ(packed[i].name, single[i].name);
    EXPECT_EQ(packed[i].message, single[i].message);
  }
}

TEST_F(PackTest, MovesOnWhenAllOfItIsTaken) {
  const auto files = some(6);
  ASSERT_TRUE(outbox.queue(files));
  const auto first = outbox.new_messages(2).value();
  ASSERT_EQ(first.size(), 2u);
  for (const auto& one : first) ASSERT_TRUE(outbox.mark_taken(one.name));
  EXPECT_EQ(names_in("new").size(), 1u);
  const auto rest = outbox.new_messages(9).value();
  ASSERT_EQ(rest.size(), 4u);
  EXPECT_EQ(rest[0].message, files[2].message);
  // Whoever comes anew does not know what was taken, and takes it again.
  EXPECT_EQ(Outbox(disk, directory).new_messages(9).value().size(), 6u);
  for (const auto& one : rest) ASSERT_TRUE(outbox.mark_taken(one.name));
  EXPECT_TRUE(names_in("new").empty());
  EXPECT_TRUE(outbox.new_messages(9).value().empty());
  EXPECT_EQ(outbox.entries(OutboxPlace::taken).value().size(), 6u);
  expect_all(files);
}

TEST_F(PackTest, IsUnpackedWhereOneIsRefused) {
  const auto files = some(6);
  ASSERT_TRUE(outbox.queue(files));
  const auto queued = outbox.new_messages(9).value();
  ASSERT_TRUE(outbox.mark_taken(queued[0].name));
  ASSERT_TRUE(outbox.mark_failed(queued[1].name, "bad stamp"));
  for (std::size_t i = 2; i < 6; ++i) ASSERT_TRUE(outbox.mark_taken(queued[i].name));
  expect_all(files);
  EXPECT_EQ(outbox.entries(OutboxPlace::failed).value().at(0).id, id_of(files[1]));
  // The first is taken again: that it was is known to the pool.
  const auto again = outbox.new_messages(9).value();
  ASSERT_EQ(again.size(), 1u);
  ASSERT_TRUE(outbox.mark_taken(again[0].name));
  EXPECT_EQ(outbox.entries(OutboxPlace::taken).value().size(), 5u);
}

TEST_F(PackTest, IsUnpackedWhereOneIsCancelled) {
  auto files = some(6);
  ASSERT_TRUE(outbox.queue(files));
  ASSERT_EQ(outbox.new_messages(9).value().size(), 6u);
  // By another process.
  ASSERT_TRUE(Outbox(disk, directory).cancel(id_of(files[3])));
  files.erase(files.begin() + 3);
  expect_all(files);
  EXPECT_EQ(outbox.new_messages(9).value().size(), 5u);
  take_all();
  EXPECT_TRUE(names_in("new").empty());
  EXPECT_EQ(outbox.cancel(id_of(files[0])).error().code, Errc::exists);
  expect_all(files);
}

TEST_F(PackTest, GoesWithTheLastOfIt) {
  auto files = some(6);
  ASSERT_TRUE(outbox.queue(files));
  take_all();
  auto entries = outbox.entries().value();
  ASSERT_TRUE(outbox.remove({entries[0], entries[1]}));
  files.erase(files.begin(), files.begin() + 2);
  expect_all(files);
  ASSERT_TRUE(outbox.remove(outbox.entries().value()));
  EXPECT_TRUE(names_in("cur").empty());
  ASSERT_TRUE(outbox.queue(files));
  ASSERT_TRUE(outbox.remove(outbox.entries().value()));
  EXPECT_TRUE(names_in("new").empty());
}

TEST_F(PackTest, GivesBackOneThatWasLost) {
  const auto files = some(5);
  ASSERT_TRUE(outbox.queue(files));
  take_all();
  TestChain chain{std::string(golden::kGenesisText)};
  for (std::size_t i = 0; i < 4; ++i) chain.pool(files[i].message);
  EXPECT_EQ(outbox.return_lost(chain.store(), {kNow}).value(), 1u);
  const auto found = outbox.new_messages(9).value();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].message, files[4].message);
  expect_all(files);
}

TEST_F(PackTest, SetsAsideTheDamagedOne) {
  auto files = some(6);
  ASSERT_TRUE(outbox.queue(files));
  const std::string name = names_in("new").at(0);
  Bytes bytes = bytes_of(name);
  bytes.back() ^= 1;  // Of the last file.
  ASSERT_TRUE(disk.replace(directory / "new" / name, bytes));
  EXPECT_EQ(outbox.new_messages(9).value().size(), 5u);
  const auto failed = outbox.entries(OutboxPlace::failed).value();
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].id, id_of(files[5]));
  EXPECT_EQ(outbox.read(failed[0]).error().code, Errc::corrupt);
}

TEST_F(PackTest, IsSetAsideWholeWhereItsFrontIsDamaged) {
  ASSERT_TRUE(outbox.queue(some(6)));
  const std::string name = names_in("new").at(0);
  Bytes bytes = bytes_of(name);
  bytes[20] ^= 1;
  ASSERT_TRUE(disk.replace(directory / "new" / name, bytes));
  ASSERT_TRUE(outbox.queue({some(7)[6]}));
  EXPECT_EQ(outbox.new_messages(9).value().size(), 1u) << "the rest of the outbox goes on";
  const auto failed = outbox.entries(OutboxPlace::failed).value();
  ASSERT_EQ(failed.size(), 1u);
  const auto status =
      outbox.status(failed[0], TestChain{std::string(golden::kGenesisText)}.store(), 6, {kNow});
  ASSERT_TRUE(status);
  EXPECT_EQ(status.value().state, OutboxState::failed);
  EXPECT_NE(status.value().reason.find("front"), std::string::npos) << status.value().reason;
  EXPECT_TRUE(outbox.cancel(failed[0].id));
  EXPECT_TRUE(names_in("failed").empty());
}

/// Whatever call a cancel dies at: afterwards each other message is there once, and what was said
/// to be cancelled never comes back.
TEST_F(PackTest, LosesAndDoublesNothingWhereUnpackingIsCutShort) {
  int cut = 0;
  for (std::uint64_t calls = 0;; ++calls) {
    const TempDir place;
    SystemDisk good;
    FaultDisk faulty(good);
    const auto files = some(5);
    Outbox dying(faulty, place.path());
    ASSERT_TRUE(dying.queue(files));
    faulty.fail_after(calls, Failing::from_then_on);
    const bool cancelled = bool(dying.cancel(id_of(files[2])));
    const bool failed = faulty.failures() > 0;

    Outbox after(good, place.path());
    std::set<MessageId> seen;
    for (const OutboxEntry& entry : after.entries().value()) {
      EXPECT_TRUE(seen.insert(entry.id).second) << "twice, after call " << calls;
      EXPECT_TRUE(after.read(entry).value()) << "unreadable, after call " << calls;
    }
    std::set<MessageId> offered;
    for (const auto& one : after.new_messages(9).value()) {
      EXPECT_TRUE(offered.insert(chain::id_of(one.message.head)).second);
      EXPECT_TRUE(after.mark_taken(one.name));
    }
    EXPECT_EQ(seen, offered) << "after call " << calls;
    for (std::size_t i = 0; i < files.size(); ++i) {
      if (i == 2) continue;
      EXPECT_TRUE(offered.contains(id_of(files[i]))) << i << " after call " << calls;
    }
    EXPECT_FALSE(cancelled && offered.contains(id_of(files[2]))) << "after call " << calls;
    EXPECT_TRUE(good.list(place.path() / "new").value().empty()) << "after call " << calls;
    EXPECT_TRUE(good.list(place.path() / "failed").value().empty());
    if (!failed) break;
    ++cut;
  }
  EXPECT_GT(cut, 15) << "too few calls were made to fail";
}

/// Whatever call a return dies at: who is cancelled afterwards does not come out of the rest of the
/// pack.
TEST_F(PackTest, BringsBackNothingThatIsCancelledAfterAReturnWasCutShort) {
  const TestChain chain{std::string(golden::kGenesisText)};
  int cut = 0;
  for (std::uint64_t calls = 0;; ++calls) {
    const TempDir place;
    SystemDisk good;
    FaultDisk faulty(good);
    const auto files = some(5);
    Outbox dying(faulty, place.path());
    ASSERT_TRUE(dying.queue(files));
    for (const auto& one : dying.new_messages(9).value()) ASSERT_TRUE(dying.mark_taken(one.name));
    faulty.fail_after(calls, Failing::from_then_on);
    (void)dying.return_lost(chain.store(), {kNow});
    const bool failed = faulty.failures() > 0;

    Outbox after(good, place.path());
    ASSERT_TRUE(after.return_lost(chain.store(), {kNow}));
    EXPECT_TRUE(good.list(place.path() / "cur").value().empty()) << "after call " << calls;
    EXPECT_TRUE(after.cancel(id_of(files[2]))) << "after call " << calls;
    EXPECT_EQ(after.return_lost(chain.store(), {kNow}).value(), 0u) << "after call " << calls;
    EXPECT_EQ(after.new_messages(9).value().size(), 4u) << "after call " << calls;
    EXPECT_FALSE(after.find(id_of(files[2])).value()) << "after call " << calls;
    if (!failed) break;
    ++cut;
  }
  EXPECT_GT(cut, 15) << "too few calls were made to fail";
}

TEST_F(PackTest, IsQueuedOrNotWhicheverCallFails) {
  int refused = 0;
  for (std::uint64_t calls = 0;; ++calls) {
    const TempDir place;
    SystemDisk good;
    FaultDisk faulty(good);
    Outbox dying(faulty, place.path());
    faulty.fail_after(calls, Failing::once);
    const bool queued = bool(dying.queue(some(5)));
    const bool failed = faulty.failures() > 0;
    Outbox after(good, place.path());
    EXPECT_EQ(after.new_messages(9).value().size(), queued ? 5u : 0u) << "after call " << calls;
    EXPECT_NE(queued, failed);
    if (!failed) break;
    ++refused;
  }
  EXPECT_GT(refused, 11);
}

}  // namespace
}  // namespace bmsg::mail
