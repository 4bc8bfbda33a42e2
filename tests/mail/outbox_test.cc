#include "lib/mail/outbox.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "lib/chain/block_hash.h"
#include "lib/core/hex.h"
#include "lib/mail/outbox_file.h"
#include "tests/mail/support.h"
#include "tests/mail/test_chain.h"
#include "tests/support/fault_disk.h"
#include "tests/support/seed.h"
#include "tests/support/temp_dir.h"

namespace bmsg::mail {
namespace {

constexpr std::uint64_t kNow = golden::kMessageTime + 100;

OutboxFile file(std::string_view words, std::uint64_t random = 1, std::uint64_t since = kNow) {
  return {.since = {since},
          .message = sealed_to({recipient(1, 2)}, words, random),
          .note = to_bytes("a note")};
}

MessageId id_of(const OutboxFile& file) { return chain::id_of(file.message.head); }

class OutboxTest : public testing::Test {
 protected:
  OutboxState state(const MessageId& id, std::uint64_t now = kNow) const {
    return status(id, now).state;
  }
  OutboxStatus status(const MessageId& id, std::uint64_t now = kNow) const {
    return outbox.status(outbox.find(id).value().value(), chain.store(), 6, {now}).value();
  }
  std::vector<std::string> names_in(const char* place) const {
    return disk.list(outbox.directory() / place).value();
  }

  TempDir temp;
  SystemDisk disk;
  Outbox outbox{disk, temp.path() / "outbox"};
  TestChain chain{std::string(golden::kGenesisText)};
};

TEST(OutboxFile, ComesBackAsItWasWritten) {
  const OutboxFile written = file("hello");
  const auto read = decode_outbox_file(encode(written));
  ASSERT_TRUE(read);
  EXPECT_EQ(read.value().since, written.since);
  EXPECT_EQ(read.value().message, written.message);
  EXPECT_EQ(read.value().note, written.note);
}

TEST(OutboxFile, IsRefusedWhenCutFollowedOrChanged) {
  const Bytes whole = encode(file("hello"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_outbox_file(ByteView(whole).first(size))) << size;
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    Bytes bad = whole;
    bad[at] ^= 1;
    EXPECT_FALSE(decode_outbox_file(bad)) << at;
  }
  Bytes longer = whole;
  longer.push_back(0);
  EXPECT_EQ(decode_outbox_file(longer).error().code, Errc::corrupt);
}

TEST(OutboxFile, OfANewerVersionSaysSo) {
  Bytes bytes = encode(file("hello"));
  bytes[4] = 2;
  EXPECT_EQ(decode_outbox_file(bytes).error().code, Errc::bad_config);
}

TEST(OutboxName, SortsByTimeAndComesBack) {
  const MessageId id = MessageId::filled(0xab);
  EXPECT_LT(outbox_name({9}, id), outbox_name({10}, id));
  EXPECT_EQ(outbox_name({9}, id).size(), kOutboxNameBytes);
  const auto parsed = parse_outbox_name(outbox_name({1234567890}, id));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->id, id);
  EXPECT_EQ(parsed->since.value, 1234567890u);
  for (std::string bad : {std::string("x"), outbox_name({9}, id) + "0",
                          "-" + outbox_name({9}, id).substr(1), "A" + outbox_name({9}, id)}) {
    EXPECT_FALSE(parse_outbox_name(bad)) << bad;
  }
}

TEST_F(OutboxTest, GivesOutWhatWasQueuedOldestFirst) {
  ASSERT_TRUE(outbox.queue({file("third", 3, 300)}));
  ASSERT_TRUE(outbox.queue({file("first", 1, 100), file("second", 2, 200)}));
  const auto queued = outbox.new_messages(2).value();
  ASSERT_EQ(queued.size(), 2u);
  EXPECT_EQ(queued[0].message, file("first", 1).message);
  EXPECT_EQ(queued[1].message, file("second", 2).message);
  EXPECT_EQ(outbox.new_messages(9).value().size(), 3u);
  EXPECT_TRUE(names_in("tmp").empty());
}

TEST_F(OutboxTest, QueuesManyAtOnceOrNone) {
  std::vector<OutboxFile> files;
  for (std::uint64_t i = 0; i < 100; ++i) files.push_back(file("many", i + 1));
  ASSERT_TRUE(outbox.prepare());
  // It cannot be made: a directory has its temporary name.
  const auto blocked = outbox.directory() / "tmp" /
                       fmt::format("{}.{}", encode_pack(files).name, ::getpid()) / "in the way";
  std::filesystem::create_directories(blocked);
  EXPECT_FALSE(outbox.queue(files));
  EXPECT_EQ(names_in("new").size(), 0u);
  EXPECT_EQ(names_in("tmp").size(), 1u);
  std::filesystem::remove_all(blocked.parent_path());
  ASSERT_TRUE(outbox.queue(files));
  EXPECT_EQ(names_in("tmp").size(), 0u);
  EXPECT_EQ(outbox.entries().value().size(), files.size());
  for (const OutboxFile& one : files)
    EXPECT_EQ(outbox.read(*outbox.find(id_of(one)).value()).value()->message, one.message);
}

TEST_F(OutboxTest, IsEmptyWhereNothingWasEverSent) {
  EXPECT_TRUE(outbox.new_messages(9).value().empty());
  EXPECT_TRUE(outbox.entries().value().empty());
  EXPECT_EQ(outbox.find(MessageId()).value(), std::nullopt);
}

TEST_F(OutboxTest, MovesOnWhenANodeHasIt) {
  ASSERT_TRUE(outbox.queue({file("hello")}));
  const std::string name = outbox.new_messages(1).value()[0].name;
  EXPECT_TRUE(outbox.mark_taken(name));
  EXPECT_TRUE(outbox.new_messages(1).value().empty());
  EXPECT_EQ(outbox.find(id_of(file("hello"))).value()->place, OutboxPlace::taken);
  EXPECT_TRUE(outbox.mark_taken(name)) << "somebody else was faster";
}

TEST_F(OutboxTest, SetsDamagedFilesAside) {
  ASSERT_TRUE(outbox.queue({file("first", 1, 100), file("second", 2, 200)}));
  const std::string name = outbox.new_messages(1).value()[0].name;
  Bytes bytes = *disk.read(outbox.directory() / "new" / name, 1 << 20).value();
  bytes[100] ^= 1;
  ASSERT_TRUE(disk.replace(outbox.directory() / "new" / name, bytes));
  const auto queued = outbox.new_messages(9).value();
  ASSERT_EQ(queued.size(), 1u);
  EXPECT_EQ(queued[0].message, file("second", 2).message);
  EXPECT_EQ(names_in("new").size(), 1u);
  EXPECT_EQ(status(id_of(file("first", 1))).state, OutboxState::failed);
  EXPECT_NE(status(id_of(file("first", 1))).reason.find("hash"), std::string::npos);
}

TEST_F(OutboxTest, SetsAFileWithAnothersNameAside) {
  ASSERT_TRUE(outbox.queue({file("first", 1)}));
  const Bytes other = encode(file("second", 2));
  ASSERT_TRUE(disk.replace(outbox.directory() / "new" / names_in("new")[0], other));
  EXPECT_TRUE(outbox.new_messages(9).value().empty());
}

TEST_F(OutboxTest, LeavesForeignFilesAndThoseOfANewerVersionAlone) {
  ASSERT_TRUE(outbox.queue({file("hello")}));
  const auto directory = outbox.directory() / "new";
  ASSERT_TRUE(disk.create(directory / "README", to_bytes("mine")));
  Bytes bytes = encode(file("hello"));
  bytes[4] = 2;
  ASSERT_TRUE(disk.replace(directory / names_in("new")[0], bytes));
  EXPECT_TRUE(outbox.new_messages(9).value().empty());
  EXPECT_EQ(names_in("new").size(), 2u);
}

TEST_F(OutboxTest, DerivesEachState) {
  const OutboxFile sent = file("hello");
  const MessageId id = id_of(sent);
  ASSERT_TRUE(outbox.queue({sent}));
  EXPECT_EQ(state(id), OutboxState::queued);
  chain.pool(sent.message);
  EXPECT_EQ(state(id), OutboxState::pooled);
  ASSERT_TRUE(outbox.mark_taken(outbox.new_messages(1).value()[0].name));
  EXPECT_EQ(state(id), OutboxState::pooled);
  chain.append({sent.message});
  EXPECT_EQ(state(id), OutboxState::mined);
  EXPECT_EQ(status(id).confirmations, 1u);
  EXPECT_EQ(status(id).height, Height{1});
  chain.append_empty(4);
  EXPECT_EQ(state(id), OutboxState::mined);
  chain.append();
  EXPECT_EQ(state(id), OutboxState::buried);
  EXPECT_EQ(status(id).confirmations, 6u);
}

TEST_F(OutboxTest, MovesAStateBackWithTheChain) {
  const OutboxFile sent = file("hello");
  ASSERT_TRUE(outbox.queue({sent}));
  chain.append({sent.message});
  EXPECT_EQ(state(id_of(sent)), OutboxState::mined);
  chain.reorganise(1, {{}, {}});
  EXPECT_EQ(state(id_of(sent)), OutboxState::queued);
}

TEST_F(OutboxTest, ExpiresWithTheMessage) {
  const OutboxFile sent = file("hello");
  ASSERT_TRUE(outbox.queue({sent}));
  EXPECT_EQ(state(id_of(sent), sent.message.head.expiry() - 1), OutboxState::queued);
  EXPECT_EQ(state(id_of(sent), sent.message.head.expiry()), OutboxState::expired);
}

TEST_F(OutboxTest, KeepsTheReasonOfAFailureUntilItIsTriedAgain) {
  const OutboxFile sent = file("hello");
  ASSERT_TRUE(outbox.queue({sent}));
  ASSERT_TRUE(outbox.mark_failed(names_in("new")[0], "bad stamp"));
  EXPECT_EQ(status(id_of(sent)).reason, "bad stamp");
  EXPECT_TRUE(outbox.retry(id_of(sent)));
  EXPECT_EQ(state(id_of(sent)), OutboxState::queued);
  EXPECT_TRUE(names_in("failed").empty());
  EXPECT_EQ(outbox.retry(MessageId()).error().code, Errc::not_found);
}

TEST_F(OutboxTest, CancelsWhatNoNodeHas) {
  const OutboxFile sent = file("hello");
  ASSERT_TRUE(outbox.queue({sent}));
  EXPECT_TRUE(outbox.cancel(id_of(sent)));
  EXPECT_TRUE(names_in("new").empty());
  EXPECT_TRUE(names_in("tmp").empty());
  EXPECT_EQ(outbox.cancel(id_of(sent)).error().code, Errc::not_found);
}

TEST_F(OutboxTest, DoesNotCancelWhatANodeHas) {
  const OutboxFile sent = file("hello");
  ASSERT_TRUE(outbox.queue({sent}));
  ASSERT_TRUE(outbox.mark_taken(names_in("new")[0]));
  EXPECT_EQ(outbox.cancel(id_of(sent)).error().code, Errc::exists);
  EXPECT_EQ(names_in("cur").size(), 1u);
}

TEST_F(OutboxTest, PutsBackWhatNeitherPoolNorChainHas) {
  const OutboxFile lost = file("lost", 1);
  const OutboxFile pooled = file("pooled", 2);
  const OutboxFile mined = file("mined", 3);
  ASSERT_TRUE(outbox.queue({lost, pooled, mined}));
  for (const auto& queued : outbox.new_messages(9).value()) {
    ASSERT_TRUE(outbox.mark_taken(queued.name));
  }
  chain.pool(pooled.message);
  chain.append({mined.message});
  EXPECT_EQ(outbox.return_lost(chain.store(), {lost.message.head.expiry()}).value(), 0u);
  EXPECT_EQ(outbox.return_lost(chain.store(), {kNow}).value(), 1u);
  EXPECT_EQ(outbox.new_messages(9).value()[0].message, lost.message);
}

/// Whether the others are found block by block or one by one.
TEST_F(OutboxTest, PutsBackTheSameWhereverTheOthersLie) {
  auto numbers = seeded_numbers();
  std::vector<std::vector<Message>> blocks(6);
  std::vector<OutboxFile> files;
  std::set<MessageId> lost;
  for (std::uint64_t i = 0; i < 60; ++i) {
    files.push_back(file("mine", 100 + i));
    const std::uint64_t place = numbers() % 8;
    if (place < blocks.size()) blocks[place].push_back(files.back().message);
    if (place == 6) chain.pool(files.back().message);
    if (place == 7) lost.insert(id_of(files.back()));
  }
  for (auto& block : blocks) {
    const std::uint64_t others = numbers() % 3 * 40;
    for (std::uint64_t i = 0; i < others; ++i) {
      block.push_back(file("foreign", 1000 + numbers() % 1000000).message);
    }
    std::ranges::shuffle(block, numbers);
    chain.append(block);
    chain.append_empty(numbers() % 3);
  }
  ASSERT_TRUE(outbox.queue(files));
  for (const auto& queued : outbox.new_messages(99).value()) {
    ASSERT_TRUE(outbox.mark_taken(queued.name));
  }
  EXPECT_EQ(outbox.return_lost(chain.store(), {kNow}).value(), lost.size());
  std::set<MessageId> back;
  for (const auto& one : outbox.entries(OutboxPlace::fresh).value()) back.insert(one.id);
  EXPECT_EQ(back, lost);
}

TEST_F(OutboxTest, SweepsOldLeftoversOnly) {
  ASSERT_TRUE(outbox.prepare());
  const auto leftover = outbox.directory() / "tmp" / (outbox_name({kNow}, MessageId()) + ".4127");
  ASSERT_TRUE(disk.create(leftover, to_bytes("half")));
  ASSERT_TRUE(outbox.sweep({kNow + kOutboxLeftoverSeconds}));
  EXPECT_EQ(names_in("tmp").size(), 1u);
  ASSERT_TRUE(outbox.sweep({kNow + kOutboxLeftoverSeconds + 1}));
  EXPECT_TRUE(names_in("tmp").empty());
}

TEST_F(OutboxTest, QueuesTheSameMessageTwiceWithoutError) {
  ASSERT_TRUE(outbox.queue({file("hello")}));
  ASSERT_TRUE(outbox.queue({file("hello")}));
  EXPECT_EQ(outbox.new_messages(9).value().size(), 1u);
}

/// Whatever call fails: either queue() fails, or the message is there for good; and never is there
/// half a file where a node looks.
void queue_with_failures(Failing failing) {
  int told = 0;
  int refused = 0;
  for (std::uint64_t calls = 0;; ++calls) {
    const TempDir temp;
    SystemDisk good;
    FaultDisk disk(good);
    Outbox outbox(disk, temp.path() / "outbox");
    disk.fail_after(calls, failing);
    const std::vector<OutboxFile> files = {file("first", 1), file("second", 2)};
    const bool queued = bool(outbox.queue(files));
    const bool failed = disk.failures() > 0;
    disk.heal();

    const auto found = outbox.new_messages(9).value();
    for (const auto& one : found) {
      EXPECT_TRUE(one.message == files[0].message || one.message == files[1].message);
    }
    EXPECT_TRUE(good.list(temp.path() / "outbox" / "failed").value().empty()) << "half a file";
    if (queued) {
      EXPECT_EQ(found.size(), 2u) << "told, and not there, after call " << calls;
      ++told;
    } else {
      ++refused;
    }
    EXPECT_NE(queued, failed) << "a failure was swallowed at call " << calls;
    if (!failed) break;
    // The same again succeeds.
    EXPECT_TRUE(outbox.queue(files));
    EXPECT_EQ(outbox.new_messages(9).value().size(), 2u);
  }
  EXPECT_EQ(told, 1);
  EXPECT_GT(refused, 12) << "too few calls were made to fail";
}

TEST(OutboxFaults, LeaveNoIdOrADurableFileWhenOneCallFails) { queue_with_failures(Failing::once); }

TEST(OutboxFaults, LeaveNoIdOrADurableFileWhenTheDiskDies) {
  queue_with_failures(Failing::from_then_on);
}

TEST(OutboxFaults, TakeBackAllWhenOneOfSeveralFails) {
  // Healed at once: what the failure leaves is what the clean-up could do.
  for (std::uint64_t calls = 7; calls < 15; ++calls) {
    const TempDir temp;
    SystemDisk good;
    FaultDisk disk(good);
    Outbox outbox(disk, temp.path() / "outbox");
    disk.fail_after(calls, Failing::once);
    if (outbox.queue({file("first", 1), file("second", 2)})) break;
    EXPECT_EQ(disk.failures(), 1u);
    EXPECT_TRUE(outbox.new_messages(9).value().empty()) << calls;
    EXPECT_TRUE(good.list(temp.path() / "outbox" / "tmp").value().empty()) << calls;
  }
}

TEST(OutboxFaults, LoseNoMessageWhileItMovesOn) {
  for (std::uint64_t calls = 0;; ++calls) {
    const TempDir temp;
    SystemDisk good;
    FaultDisk disk(good);
    Outbox outbox(disk, temp.path() / "outbox");
    ASSERT_TRUE(outbox.queue({file("hello")}));
    const std::string name = outbox.new_messages(1).value()[0].name;
    disk.fail_after(calls, Failing::once);
    (void)outbox.mark_failed(name, "no");  // Fails at each of its calls in turn.
    (void)outbox.retry(id_of(file("hello")));
    (void)outbox.mark_taken(name);
    const bool failed = disk.failures() > 0;
    disk.heal();
    EXPECT_TRUE(outbox.find(id_of(file("hello"))).value()) << "lost at call " << calls;
    if (!failed) break;
  }
}

TEST_F(OutboxTest, CountsThePeersThatHaveAMessage) {
  const OutboxFile sent = file("hello");
  ASSERT_TRUE(outbox.queue({sent}));
  const MessageId id = id_of(sent);
  chain.pool(sent.message);
  EXPECT_EQ(state(id), OutboxState::pooled);
  const std::vector<ShortId> has = {prefix_of<ShortId>(id), ShortId::filled(7)};
  ASSERT_TRUE(outbox.note_relayed("http://a", {ShortId::filled(7)}));
  EXPECT_EQ(status(id).relayed_to, 0u);
  ASSERT_TRUE(outbox.note_relayed("http://a", has));
  ASSERT_TRUE(outbox.note_relayed("http://a", has));
  EXPECT_EQ(status(id).relayed_to, 1u);
  ASSERT_TRUE(outbox.note_relayed("http://b", has));
  EXPECT_EQ(status(id).relayed_to, 2u);
  EXPECT_EQ(state(id), OutboxState::relayed);
  ASSERT_TRUE(outbox.sweep({kNow}));
  EXPECT_EQ(status(id).relayed_to, 2u);
  ASSERT_TRUE(outbox.remove({outbox.find(id).value().value()}));
  EXPECT_TRUE(names_in("relayed").empty()) << "they would be there for ever";
}

}  // namespace
}  // namespace bmsg::mail
