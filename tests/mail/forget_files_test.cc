#include "lib/mail/forget_files.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "lib/chain/block_hash.h"
#include "lib/mail/attachment.h"
#include "tests/mail/person.h"

namespace bmsg::mail {
namespace {

using Ids = std::vector<MessageId>;

/// A file of two chunks, and the message that its index is.
struct TestFile {
  Manifest manifest;
  Ids pieces;
};

/// Ana has sent files to Ben, or got some; all chunks lie on the shelf `own` of her store.
class ForgetFiles : public testing::Test, public TwoPersons {
 protected:
  node::BlobDirectory blobs{ana.disk, ana.temp.path() / "blobs", free_chain(), ana.clock, 0};

  MessageId put(const crypto::SecretBytes& key, std::uint64_t number, ByteView piece,
                node::Shelf shelf) {
    const auto time = static_cast<std::uint32_t>(ana.clock.now().value);
    const Message chunk =
        seal_chunk(key, number, piece, {.chain = free_chain(), .time = time, .ttl = 86400});
    const MessageId id = chain::id_of(chunk.head);
    check(bool(blobs.put(shelf, chunk, id)), "no chunk");
    return id;
  }
  /// Its index names these, or two pieces of its own.
  TestFile file(std::uint8_t seed, Ids named = {}, node::Shelf shelf = node::Shelf::own) {
    TestFile made;
    made.manifest.key = secret(seed);
    made.manifest.size = 2 * kChunkBytes;
    made.manifest.name = "file";
    for (std::uint64_t i = 0; i < 2 && named.empty(); ++i)
      made.pieces.push_back(put(made.manifest.key, i, Bytes(kChunkBytes, seed), shelf));
    if (!named.empty()) made.pieces = std::move(named);
    Bytes index;
    for (const MessageId& id : made.pieces) append(index, id.view());
    made.manifest.index = put(made.manifest.key, kIndexNumber, index, shelf);
    return made;
  }
  MessageId send_file(Person& from, const Person& to, const TestFile& file) {
    Letter letter = from.letter({to.address()}, "with a file");
    letter.content.manifests = {encode(file.manifest)};
    const MessageId id = send(letter, from.context(), {}).value().at(0).id;
    from.hand_over(chain);
    return id;
  }
  GoingChunks going(const Ids& messages) {
    ana.scan_all(chain);
    const MailKeys keys = ana.keys();
    return going_chunks(ana.mailbox(chain, keys), keys, blobs, messages).value();
  }
  static Ids sorted(Ids ids) {
    std::ranges::sort(ids);
    return ids;
  }
  bool has(const MessageId& id) { return blobs.has(id).value(); }
};

TEST_F(ForgetFiles, NamesIndexAndPiecesOfWhatOneSent) {
  const TestFile one = file(1);
  const TestFile other = file(2);
  const MessageId sent = send_file(ana, ben, one);
  send_file(ana, ben, other);
  const GoingChunks found = going({sent});
  EXPECT_EQ(sorted(found.own.pieces), sorted(one.pieces));
  EXPECT_EQ(found.own.indexes, Ids{one.manifest.index});
  EXPECT_EQ(found.size(), 3u);
  EXPECT_EQ(remove_chunks(blobs, found).value(), 3u);
  for (const MessageId& id : one.pieces) EXPECT_FALSE(has(id));
  for (const MessageId& id : other.pieces) EXPECT_TRUE(has(id));
  EXPECT_FALSE(has(one.manifest.index));
  EXPECT_TRUE(has(other.manifest.index));
  EXPECT_EQ(remove_chunks(blobs, found).value(), 0u);
}

TEST_F(ForgetFiles, SparesWhatAnotherMessageNeeds) {
  const TestFile shared = file(1);
  const MessageId first = send_file(ana, ben, shared);
  const MessageId second = send_file(ana, ben, shared);
  EXPECT_EQ(going({first}).size(), 0u);
  EXPECT_EQ(going({first, second}).size(), 3u) << "both go";
}

TEST_F(ForgetFiles, LetsNoStrangerNameWhatGoesOfOurs) {
  const TestFile ours = file(1);
  const MessageId sent = send_file(ana, ben, ours);
  const TestFile trap = file(2, ours.pieces, node::Shelf::kept);
  const MessageId received = send_file(ben, ana, trap);
  const GoingChunks spared = going({received});
  EXPECT_EQ(spared.others.pieces, Ids()) << "another message of ours needs them";
  EXPECT_EQ(spared.others.indexes, Ids{trap.manifest.index});
  // Nor where no message of ours is known to need them.
  const TestFile unknown = file(3);
  const TestFile trap_too = file(4, unknown.pieces, node::Shelf::kept);
  const MessageId received_too = send_file(ben, ana, trap_too);
  const GoingChunks found = going({received_too});
  EXPECT_EQ(sorted(found.others.pieces), sorted(unknown.pieces));
  EXPECT_EQ(found.own.pieces, Ids());
  EXPECT_EQ(remove_chunks(blobs, found).value(), 1u) << "the index of the trap";
  for (const MessageId& id : unknown.pieces) EXPECT_TRUE(has(id));
  EXPECT_EQ(sorted(going({sent}).own.pieces), sorted(ours.pieces)) << "the trap keeps them here";
}

TEST_F(ForgetFiles, TakesWhatWasKeptOrFetchedOfWhatOneGot) {
  const TestFile theirs = file(1, {}, node::Shelf::kept);
  const MessageId received = send_file(ben, ana, theirs);
  EXPECT_EQ(remove_chunks(blobs, going({received})).value(), 3u);
}

TEST_F(ForgetFiles, NeedsTheIndexToKnowMore) {
  const TestFile sent_file = file(1);
  const MessageId sent = send_file(ana, ben, sent_file);
  ASSERT_EQ(blobs.remove(node::Shelf::own, {sent_file.manifest.index}).value(), 1u);
  const GoingChunks found = going({sent});
  EXPECT_EQ(found.own.pieces, Ids());
  EXPECT_EQ(found.own.indexes, Ids{sent_file.manifest.index});
}

TEST_F(ForgetFiles, HasNothingToDoWithOtherMessages) {
  const MessageId plain = ana.write({ben.address()}, "no file");
  ana.hand_over(chain);
  EXPECT_EQ(going({plain, MessageId::filled(7)}).size(), 0u);
}

}  // namespace
}  // namespace bmsg::mail
