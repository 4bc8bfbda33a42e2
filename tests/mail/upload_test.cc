#include "lib/mail/upload.h"

#include <gtest/gtest.h>

#include "lib/chain/block_hash.h"
#include "lib/crypto/sha512.h"
#include "tests/mail/support.h"
#include "tests/support/cut_disk.h"
#include "tests/support/fake_clock.h"
#include "tests/support/seed.h"
#include "tests/support/temp_dir.h"

namespace bmsg::mail {
namespace {

struct UploadFixture {
  TempDir directory;
  SystemDisk disk;
  FakeClock clock;
  FakeEntropy entropy;
  crypto::SecretBytes mailbox_key = secret(9);
  node::BlobDirectory blobs{disk, directory.path() / "blobs", example_chain(), clock, 0};
  KnownFile file{.hash = crypto::sha512(as_bytes("content")), .size = 7};

  UploadContext context(std::uint32_t ttl = 86400) {
    return {.blobs = blobs,
            .entropy = entropy,
            .now = clock.now(),
            .ttl = ttl,
            .mailbox_key = &mailbox_key};
  }
  Upload resume(std::uint32_t ttl = 86400) { return Upload::resume(context(ttl), file).value(); }
  Message chunk(const Upload& upload, std::uint64_t number) const {
    return seal_chunk(upload.key(), number, as_bytes("content"),
                      {.chain = example_chain(), .time = upload.time(), .ttl = 86400});
  }
  std::size_t uploads() const {
    std::size_t count = 0;
    for (const auto& name : disk.list(blobs.path()).value()) count += name.starts_with("upload-");
    return count;
  }
};

Bytes key_of(const Upload& upload) { return to_bytes(upload.key().view()); }

TEST(Upload, GoesOnWithTheSameKeyAndTheChunksThatAreDone) {
  UploadFixture world;
  Bytes key;
  MessageId id;
  {
    Upload first = world.resume();
    key = key_of(first);
    const Message chunk = world.chunk(first, 0);
    id = chain::id_of(chunk.head);
    ASSERT_TRUE(first.put(chunk, id));
  }
  world.clock.advance(600);
  Upload second = world.resume();
  EXPECT_EQ(key_of(second), key);
  EXPECT_EQ(second.found(), 1u);
  EXPECT_TRUE(second.has(id).value());
  EXPECT_EQ(chain::id_of(world.chunk(second, 0).head), id) << "time and key make the same id";
}

TEST(Upload, LetsNoChunkOutThatAChangedFileHasLeft) {
  UploadFixture world;
  MessageId stale;
  {
    Upload first = world.resume();
    const Message other =
        seal_chunk(first.key(), 0, as_bytes("CHANGED"),
                   {.chain = example_chain(), .time = first.time(), .ttl = 86400});
    stale = chain::id_of(other.head);
    ASSERT_TRUE(first.put(other, stale));  // And then it was killed.
  }
  Upload second = world.resume();
  ASSERT_EQ(second.found(), 1u);
  const Message right = world.chunk(second, 0);
  const MessageId id = chain::id_of(right.head);
  ASSERT_NE(id, stale);
  EXPECT_FALSE(second.has(id).value());
  ASSERT_TRUE(second.put(right, id));
  ASSERT_TRUE(second.finish());
  EXPECT_TRUE(world.blobs.has(id).value());
  EXPECT_FALSE(world.blobs.has(stale).value()) << "two texts under one key and nonce";
  EXPECT_EQ(world.uploads(), 0u);
}

TEST(Upload, NeverGivesAKeyToOtherContentOrAnotherTime) {
  UploadFixture world;
  const Bytes key = key_of(world.resume());
  EXPECT_NE(key_of(world.resume(172'800)), key);
  world.file.hash = crypto::sha512(as_bytes("contenT"));
  EXPECT_NE(key_of(world.resume()), key);
  world.file.hash = crypto::sha512(as_bytes("content"));
  EXPECT_EQ(key_of(world.resume()), key);
  world.mailbox_key = secret(8);
  EXPECT_NE(key_of(world.resume()), key);
}

TEST(Upload, BeginsAnewWhereMoreThanATenthOfTheTimeHasPassed) {
  UploadFixture world;
  const Bytes key = key_of(world.resume());
  world.clock.advance(8'640);
  EXPECT_EQ(key_of(world.resume()), key);
  world.clock.advance(1);
  EXPECT_NE(key_of(world.resume()), key);
}

TEST(Upload, TwoAtOnceHaveKeysOfTheirOwn) {
  UploadFixture world;
  const Upload first = world.resume();
  const Upload second = world.resume();
  EXPECT_NE(key_of(first), key_of(second));
}

TEST(Upload, MakesAHalfChunkAgain) {
  UploadFixture world;
  Upload upload = world.resume();
  const Message chunk = world.chunk(upload, 0);
  const MessageId id = chain::id_of(chunk.head);
  ASSERT_TRUE(upload.put(chunk, id));
  EXPECT_TRUE(upload.has(id).value());
  for (const auto& entry : std::filesystem::recursive_directory_iterator(world.blobs.path())) {
    if (node::blob_named(entry.path().filename().string()))
      std::filesystem::resize_file(entry.path(), 100);
  }
  EXPECT_FALSE(upload.has(id).value());
  ASSERT_TRUE(upload.put(chunk, id));
  EXPECT_TRUE(upload.has(id).value());
}

TEST(Upload, GivesNothingOutBeforeItIsWhole) {
  UploadFixture world;
  Upload upload = world.resume();
  const Message chunk = world.chunk(upload, 0);
  const MessageId id = chain::id_of(chunk.head);
  ASSERT_TRUE(upload.put(chunk, id));
  EXPECT_FALSE(world.blobs.offers(prefix_of<ShortId>(id)).value());
  ASSERT_TRUE(upload.finish());
  EXPECT_TRUE(world.blobs.offers(prefix_of<ShortId>(id)).value());
  EXPECT_EQ(world.blobs.find(id).value(), chunk);
  EXPECT_EQ(world.uploads(), 0u);
}

TEST(Upload, WhatNobodyCanGoOnWithIsSwept) {
  UploadFixture world;
  const auto sweep = [&] {
    ASSERT_TRUE(sweep_uploads(world.disk, world.blobs.path(), world.clock.now()));
  };
  {
    const Upload stream = Upload::begin(world.context()).value();
    sweep();
    EXPECT_EQ(world.uploads(), 1u) << "it is at work";
  }
  sweep();
  EXPECT_EQ(world.uploads(), 0u);
  (void)world.resume();
  world.clock.advance(86'399);
  sweep();
  EXPECT_EQ(world.uploads(), 1u);
  world.clock.advance(1);
  sweep();
  EXPECT_EQ(world.uploads(), 0u);
}

/// Puts one chunk in and finishes; false where the disk did not let it.
bool upload_one(const UploadContext& context, const KnownFile& file, MessageId& id) {
  auto upload = Upload::resume(context, file);
  if (!upload) return false;
  const Message chunk =
      seal_chunk(upload.value().key(), 0, as_bytes("content"),
                 {.chain = example_chain(), .time = upload.value().time(), .ttl = context.ttl});
  id = chain::id_of(chunk.head);
  const auto has = upload.value().has(id);
  if (!has || (!has.value() && !upload.value().put(chunk, id))) return false;
  return bool(upload.value().finish());
}

/// Whoever is killed may leave a chunk whole that no disk has.
TEST(Upload, IsDurableWhereverTheProcessBeforeWasKilled) {
  auto random = seeded_numbers();
  std::uint64_t kills = 0;
  for (bool was_killed = true; was_killed;) {
    UploadFixture world;
    CutDisk disk(world.directory.path());
    node::BlobDirectory blobs(disk, world.directory.path() / "blobs", example_chain(), world.clock,
                              0);
    const UploadContext context{.blobs = blobs,
                                .entropy = world.entropy,
                                .now = world.clock.now(),
                                .ttl = 86400,
                                .mailbox_key = &world.mailbox_key};
    MessageId id;
    disk.cut_at(kills + 1);
    was_killed = !upload_one(context, world.file, id);
    kills += was_killed ? 1 : 0;
    disk.restart();
    ASSERT_TRUE(upload_one(context, world.file, id)) << kills;
    disk.reboot(CutDisk::Tail::lost, CutDisk::Names::lost, random);
    EXPECT_TRUE(blobs.find(id).value()) << "after change " << kills;
  }
  EXPECT_GE(kills, 10u);
}

}  // namespace
}  // namespace bmsg::mail
