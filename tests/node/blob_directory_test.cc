#include "lib/node/blob_directory.h"

#include <gtest/gtest.h>

#include "lib/chain/block_hash.h"
#include "tests/support/chain_builder.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fault_disk.h"
#include "tests/support/temp_dir.h"

namespace bmsg::node {
namespace {

constexpr std::size_t kBody = 1000;
constexpr std::uint64_t kBytes = kHeadBytesFixed + kNonceBytes + kBody;

struct BlobFixture {
  TempDir directory;
  SystemDisk system;
  FaultDisk disk{system};
  chain::ChainRules chain;
  FakeClock clock{1'767'225'660};
  BlobDirectory blobs;

  explicit BlobFixture(std::uint64_t quota = 3 * kBlobCostMin)
      : chain(rules()), blobs(disk, directory.path() / "blobs", chain, clock, quota) {}

  static chain::ChainRules rules() {
    ChainBuilder builder;
    auto made = builder.chain();
    made.rules.blobstamp = 0;
    return made;
  }
  /// Another one for each letter.
  Message chunk(char letter, std::uint32_t ttl = 600) const {
    Message made;
    made.body = Bytes(kBody, static_cast<std::uint8_t>(letter));
    made.head.suite = Suite::chunk;
    made.head.chain = prefix_of<ChainTag>(chain.id);
    made.head.time = static_cast<std::uint32_t>(clock.now().value);
    made.head.ttl = ttl;
    made.head.body_bytes = kBody;
    made.head.body_hash = chain::body_hash_of(*made.body);
    return made;
  }
  MessageOutcome take(const Message& chunk) { return blobs.take(chunk).value(); }
  bool has(const Message& chunk) const { return blobs.has(chain::id_of(chunk.head)).value(); }
  bool offers(const Message& chunk) const {
    return blobs.offers(prefix_of<ShortId>(chain::id_of(chunk.head))).value();
  }
};

TEST(Blob, IsWhatItsFileNameSays) {
  const BlobFixture world;
  const Message chunk = world.chunk('a');
  const Blob blob = blob_of(chunk, chain::id_of(chunk.head));
  const std::string name = file_name_of(blob);
  EXPECT_EQ(blob_named(name), blob);
  EXPECT_EQ(blob.expiry, world.clock.now().value + 600);
  EXPECT_EQ(blob.bytes, kBytes);
  for (std::size_t at = 0; at < name.size(); ++at) {
    std::string other = name;
    other[at] = other[at] == '-' ? '0' : 'g';
    EXPECT_FALSE(blob_named(other)) << at;
    EXPECT_FALSE(blob_named(name.substr(0, at))) << at;
  }
  EXPECT_FALSE(blob_named(name + "0"));
}

TEST(BlobDirectory, KeepsOthersUpToTheQuotaAndNoByteMore) {
  BlobFixture world;
  EXPECT_EQ(world.blobs.room().value(), 3 * kBlobCostMin);
  for (const char letter : {'a', 'b', 'c'})
    EXPECT_EQ(world.take(world.chunk(letter)).verdict, Verdict::accepted) << letter;
  EXPECT_EQ(world.blobs.room().value(), 0u);
  EXPECT_EQ(world.take(world.chunk('a')).verdict, Verdict::known);
  const auto earlier = world.chunk('d', 599);
  const auto refused = world.take(earlier);
  EXPECT_EQ(refused.verdict, Verdict::refused);
  EXPECT_EQ(refused.room, Room::pool_full);
  EXPECT_FALSE(refused.violation);
  EXPECT_FALSE(world.has(earlier));
}

TEST(BlobDirectory, TakesNothingThatIsLargerThanTheQuota) {
  BlobFixture exact(kBlobCostMin);
  EXPECT_EQ(exact.take(exact.chunk('a')).verdict, Verdict::accepted);
  BlobFixture less(kBlobCostMin - 1);
  EXPECT_EQ(less.take(less.chunk('a')).room, Room::pool_full);
}

TEST(BlobDirectory, WhatExpiresSoonestGoesFirst) {
  BlobFixture world;
  const auto soon = world.chunk('a', 500);
  const auto late = world.chunk('b', 700);
  ASSERT_EQ(world.take(late).verdict, Verdict::accepted);
  ASSERT_EQ(world.take(soon).verdict, Verdict::accepted);
  ASSERT_EQ(world.take(world.chunk('c')).verdict, Verdict::accepted);
  EXPECT_EQ(world.take(world.chunk('d')).verdict, Verdict::accepted);
  EXPECT_FALSE(world.has(soon));
  EXPECT_TRUE(world.has(late));
}

TEST(BlobDirectory, OfThoseThatExpireTogetherTheWorseStampGoes) {
  BlobFixture world(kBlobCostMin);
  auto one = world.chunk('a');
  auto other = world.chunk('b');
  if (blob_of(other, chain::id_of(other.head)) < blob_of(one, chain::id_of(one.head)))
    std::swap(one, other);
  // The better one comes second, then the worse one again.
  for (std::uint64_t nonce = 0;
       blob_of(other, chain::id_of(other.head)).rank == blob_of(one, chain::id_of(one.head)).rank;)
    other.nonce = ++nonce;
  if (blob_of(other, chain::id_of(other.head)) < blob_of(one, chain::id_of(one.head)))
    std::swap(one, other);
  ASSERT_EQ(world.take(one).verdict, Verdict::accepted);
  EXPECT_EQ(world.take(other).verdict, Verdict::accepted);
  EXPECT_FALSE(world.has(one));
  EXPECT_EQ(world.take(one).room, Room::pool_full);
}

TEST(BlobDirectory, OwnOnesCountForNoQuotaAndStay) {
  BlobFixture world(0);
  const auto own = world.chunk('a');
  ASSERT_TRUE(world.blobs.put(Shelf::own, own, chain::id_of(own.head)));
  EXPECT_TRUE(world.offers(own));
  EXPECT_EQ(world.blobs.offered(prefix_of<ShortId>(chain::id_of(own.head))).value(), own);
  EXPECT_EQ(world.take(world.chunk('b')).room, Room::pool_full);
}

TEST(BlobDirectory, RefusesWhatBreaksARule) {
  BlobFixture world;
  const auto verdict = [&](const std::function<void(Message&)>& spoil) {
    Message chunk = world.chunk('a');
    spoil(chunk);
    const auto outcome = world.take(chunk);
    EXPECT_FALSE(world.has(chunk));
    return outcome.violation ? std::optional(outcome.violation->rule) : std::nullopt;
  };
  EXPECT_EQ(verdict([](Message& m) { m.head.chain = ChainTag::filled(1); }), chain::Rule::chain);
  EXPECT_EQ(verdict([](Message& m) { m.body = Bytes(kBody, 1); }), chain::Rule::body);
  EXPECT_EQ(verdict([](Message& m) { m.head.time -= 600; }), chain::Rule::expired);
  EXPECT_EQ(verdict([](Message& m) { m.head.ttl = 0; }), chain::Rule::ttl);
  EXPECT_EQ(verdict([](Message& m) { m.body.reset(); }), chain::Rule::layout);
  EXPECT_EQ(verdict([](Message& m) { m.head.suite = Suite::open; }), chain::Rule::layout);
  Message early = world.chunk('a');
  early.head.time += 121;
  EXPECT_EQ(world.take(early).verdict, Verdict::held);
  world.chain.rules.blobstamp = 1'000'000;
  EXPECT_EQ(verdict([](Message&) {}), chain::Rule::stamp);
}

TEST(BlobDirectory, OffersNothingThatExpiredAndSweepsIt) {
  BlobFixture world;
  const auto chunk = world.chunk('a');
  ASSERT_EQ(world.take(chunk).verdict, Verdict::accepted);
  world.clock.advance(599);
  EXPECT_TRUE(world.offers(chunk));
  EXPECT_EQ(world.blobs.expire().value(), 0u);
  world.clock.advance(1);
  EXPECT_FALSE(world.offers(chunk));
  EXPECT_EQ(world.blobs.expire().value(), 1u);
  EXPECT_FALSE(world.has(chunk));
  EXPECT_EQ(world.blobs.room().value(), 3 * kBlobCostMin);
}

TEST(BlobDirectory, SweepsWhatAKillLeft) {
  BlobFixture world;
  const auto chunk = world.chunk('a');
  const MessageId id = chain::id_of(chunk.head);
  ASSERT_TRUE(world.blobs.put(Shelf::fetched, chunk, id));
  const auto files = [&] {
    const auto all = std::filesystem::recursive_directory_iterator(world.blobs.path());
    return std::ranges::count_if(all, [](const auto& one) { return one.is_regular_file(); });
  };
  for (const auto& entry : std::filesystem::recursive_directory_iterator(world.blobs.path())) {
    if (!entry.is_regular_file()) continue;
    const auto half = "." + entry.path().filename().string() + ".abcdef";
    ASSERT_TRUE(world.system.create(entry.path().parent_path() / half, as_bytes("half")));
    break;
  }
  ASSERT_EQ(files(), 2);
  ASSERT_TRUE(world.blobs.expire());
  EXPECT_EQ(files(), 2) << "somebody may be writing it";
  world.clock.advance(600);
  EXPECT_EQ(world.blobs.expire().value(), 2u);
  EXPECT_EQ(files(), 0);
}

TEST(BlobDirectory, RemovesWhatItIsToldFromOneShelfAndNothingElse) {
  BlobFixture world;
  const auto one = world.chunk('a');
  const auto other = world.chunk('b');
  const auto id = chain::id_of(one.head);
  for (const Shelf shelf : {Shelf::own, Shelf::fetched})
    ASSERT_TRUE(world.blobs.put(shelf, one, id));
  ASSERT_TRUE(world.blobs.put(Shelf::own, other, chain::id_of(other.head)));
  ASSERT_EQ(world.take(world.chunk('c')).verdict, Verdict::accepted);
  EXPECT_EQ(world.blobs.remove(Shelf::kept, {id}).value(), 0u);
  EXPECT_TRUE(world.offers(one));
  EXPECT_EQ(world.blobs.remove(Shelf::own, {id}).value(), 1u);
  EXPECT_FALSE(world.offers(one));
  EXPECT_TRUE(world.has(one)) << "it was fetched, too";
  EXPECT_EQ(world.blobs.remove(Shelf::fetched, {id}).value(), 1u);
  EXPECT_FALSE(world.has(one));
  EXPECT_TRUE(world.offers(other) && world.has(world.chunk('c')));
  EXPECT_EQ(world.blobs.remove(Shelf::own, {id}).value(), 0u) << "it was gone";
  EXPECT_EQ(world.blobs.remove(Shelf::own, {}).value(), 0u);
}

TEST(BlobDirectory, WhatIsRemovedTakesNoRoomOfTheQuota) {
  BlobFixture world(kBlobCostMin);
  const auto one = world.chunk('a');
  ASSERT_EQ(world.take(one).verdict, Verdict::accepted);
  ASSERT_EQ(world.blobs.room().value(), 0u);
  EXPECT_EQ(world.blobs.remove(Shelf::kept, {chain::id_of(one.head)}).value(), 1u);
  EXPECT_EQ(world.blobs.room().value(), kBlobCostMin);
  EXPECT_EQ(world.take(one).verdict, Verdict::accepted);
}

TEST(BlobDirectory, CountsADamagedFileAsAbsent) {
  BlobFixture world;
  const auto chunk = world.chunk('a');
  ASSERT_EQ(world.take(chunk).verdict, Verdict::accepted);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(world.blobs.path())) {
    if (!entry.is_regular_file()) continue;
    auto bytes = world.system.read(entry.path(), 1 << 20).value().value();
    bytes[kBytes / 2] ^= 1;
    ASSERT_TRUE(world.system.replace(entry.path(), bytes));
  }
  EXPECT_EQ(world.blobs.find(chain::id_of(chunk.head)).value(), std::nullopt);
  EXPECT_EQ(world.blobs.offered(prefix_of<ShortId>(chain::id_of(chunk.head))).value(),
            std::nullopt);
}

TEST(BlobDirectory, WhatWasFetchedIsKeptWithinTheQuotaElseItGoes) {
  for (const std::uint64_t quota : {std::uint64_t{0}, kBlobCostMin}) {
    BlobFixture world(quota);
    const auto chunk = world.chunk('a');
    const MessageId id = chain::id_of(chunk.head);
    ASSERT_TRUE(world.blobs.put(Shelf::fetched, chunk, id));
    EXPECT_TRUE(world.has(chunk));
    EXPECT_FALSE(world.offers(chunk)) << "what is fetched is nobody's business";
    ASSERT_TRUE(world.blobs.release({id}));
    EXPECT_EQ(world.offers(chunk), quota > 0);
    EXPECT_EQ(world.blobs.list(Shelf::fetched).value().size(), 0u);
  }
}

TEST(BlobDirectory, SaysSoWhereTheDiskFailsAndKeepsTheRest) {
  std::uint64_t failed = 0;
  for (std::uint64_t at = 0; at < 16; ++at) {
    BlobFixture world;
    ASSERT_EQ(world.take(world.chunk('a')).verdict, Verdict::accepted);
    world.disk.fail_after(at, Failing::once);
    const auto taken = world.blobs.take(world.chunk('b'));
    const bool has_failed = world.disk.failures() > 0;
    world.disk.heal();
    EXPECT_EQ(!taken, has_failed) << at;
    failed += has_failed ? 1 : 0;
    EXPECT_TRUE(world.offers(world.chunk('a')));
    EXPECT_NE(world.take(world.chunk('b')).verdict, Verdict::refused);
    EXPECT_TRUE(world.offers(world.chunk('b')));
  }
  EXPECT_GT(failed, 1u) << "no call failed: the test shows nothing";
}

}  // namespace
}  // namespace bmsg::node
