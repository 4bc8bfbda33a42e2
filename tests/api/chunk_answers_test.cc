// Chunks of files among what peers ask for and give.

#include "lib/api/chunk_answers.h"

#include <gtest/gtest.h>

#include "lib/api/peer_answers.h"
#include "lib/api/wire_json.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/node/blob_directory.h"
#include "tests/api/asked_node.h"
#include "tests/support/temp_dir.h"

namespace bmsg::api {
namespace {

constexpr std::uint32_t kBody = 262'160;
constexpr std::uint64_t kBytes = 262'264;

class ChunkAnswers : public AskedNode {
 protected:
  ChunkAnswers() : AskedNode(FakeClock(kEasyGenesisTime + 600)) { keep(4 * kBytes); }

  /// A node that keeps so much for others.
  void keep(std::uint64_t quota) {
    chain = builder.chain();
    chain.rules.blobstamp = 0;
    blobs = std::make_unique<node::BlobDirectory>(disk, dir.path() / "blobs", chain, clock, quota);
    node = node::Node::make({.store = store,
                             .chain = chain,
                             .clock = clock,
                             .entropy = entropy,
                             .outbox = nullptr,
                             .key = {},
                             .agent = "test",
                             .reorg = {},
                             .pool = {},
                             .blobs = blobs.get()})
               .value();
  }
  Message chunk(std::uint8_t filling, std::uint32_t bytes = kBody) const {
    Message made;
    made.body = Bytes(bytes, filling);
    made.head.suite = Suite::chunk;
    made.head.chain = prefix_of<ChainTag>(chain.id);
    made.head.time = static_cast<std::uint32_t>(clock.now().value);
    made.head.ttl = 600;
    made.head.body_bytes = bytes;
    made.head.body_hash = chain::body_hash_of(*made.body);
    return made;
  }
  std::string put(const std::vector<Message>& chunks) {
    return to_string(ask("put", pack_messages(chunks)).body);
  }
  net::HttpResponse ask(const std::string& path, Bytes body) {
    net::HttpRequest request;
    request.method = net::Method::post;
    request.path = "/bmsg/1/" + path;
    request.body = std::move(body);
    return answer_peer(*node, request);
  }
  static Bytes ids(const std::vector<Message>& chunks) {
    std::vector<ShortId> all;
    for (const Message& one : chunks) all.push_back(prefix_of<ShortId>(chain::id_of(one.head)));
    return chain::encode_short_ids(all);
  }

  TempDir dir;
  SystemDisk disk;
  chain::ChainRules chain;
  std::unique_ptr<node::BlobDirectory> blobs;
};

TEST_F(ChunkAnswers, KeepWhatIsPutAndGiveItBack) {
  EXPECT_EQ(put({chunk(1), chunk(2)}), "ok\nok\n");
  EXPECT_EQ(put({chunk(2), chunk(3)}), "have\nok\n");
  EXPECT_EQ(ask("have", ids({chunk(9), chunk(1), chunk(3)})).body, Bytes{0x60});
  const auto frames = chain::split_pack(ask("get", ids({chunk(9), chunk(2), chunk(1)})).body,
                                        chain::EndFrame::optional)
                          .value();
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(decode_message(frames[0].payload).value(), chunk(2));
  EXPECT_EQ(decode_message(frames[1].payload).value(), chunk(1));
  EXPECT_EQ(node->info().value().pool_messages, 0u) << "chunks are not for blocks";
}

TEST_F(ChunkAnswers, TakeSixtyFourAtOnceAndNoMore) {
  keep(100 * node::kBlobCostMin);
  std::vector<Message> small;
  for (std::uint8_t i = 0; i < node::kChunksPerPut; ++i) small.push_back(chunk(i, 100));
  EXPECT_EQ(put(small).substr(0, 6), "ok\nok\n");
  EXPECT_EQ(node->info().value().blob_room, 36 * node::kBlobCostMin)
      << "a small file takes a block too";
  small.push_back(chunk(200, 100));
  EXPECT_EQ(ask("put", pack_messages(small)).status, 400);
  EXPECT_EQ(node->info().value().blob_room, 36 * node::kBlobCostMin);
}

TEST_F(ChunkAnswers, NameTheRuleThatAChunkBreaks) {
  Message other = chunk(1);
  other.body = Bytes(kBody, 2);
  EXPECT_EQ(put({other}), "bad body\n");
  other = chunk(1);
  other.head.ttl = 0;
  EXPECT_EQ(put({other}), "bad ttl\n");
  other = chunk(1);
  other.head.chain = ChainTag::filled(1);
  EXPECT_EQ(put({other}), "bad chain\n");
  chain.rules.blobstamp = 1'000'000;
  EXPECT_EQ(put({chunk(1)}), "bad stamp\n");
  EXPECT_EQ(ask("have", ids({chunk(1)})).body, Bytes{0x00});
}

TEST_F(ChunkAnswers, BlameNobodyWhereThereIsNoRoom) {
  keep(kBytes);
  EXPECT_EQ(put({chunk(1)}), "ok\n");
  auto sooner = chunk(2);
  sooner.head.ttl = 599;
  EXPECT_EQ(put({sooner}), "bad full\n");
  keep(0);
  EXPECT_EQ(put({chunk(3)}), "bad full\n");
}

TEST_F(ChunkAnswers, EndAnAnswerWhereItGetsTooLong) {
  std::vector<Message> many;
  keep(40 * kBytes);
  for (std::uint8_t i = 0; i < 40; ++i) {
    many.push_back(chunk(i));
    ASSERT_EQ(put({many.back()}), "ok\n");
  }
  const auto answer = ask("get", ids(many));
  EXPECT_LE(answer.body.size(), kFrameBytesMax + kBytes);
  EXPECT_GE(answer.body.size(), kFrameBytesMax - kBytes);
}

TEST_F(ChunkAnswers, InfoSaysWhatIsKeptForOthers) {
  const auto told = [&] { return parse_info(print_info(node->info().value())).value(); };
  EXPECT_EQ(told().blob_quota, 4 * kBytes);
  EXPECT_EQ(told().blob_room, 4 * kBytes);
  ASSERT_EQ(put({chunk(1)}), "ok\n");
  EXPECT_EQ(told().blob_room, 3 * kBytes);
  keep(0);
  EXPECT_EQ(told().blob_quota, 0u);
  EXPECT_EQ(print_info(node->info().value()).find("blobs"), std::string::npos);
  std::string lie = print_info(node->info().value());
  lie.insert(1, "\"blobs\":{\"quota\":1,\"room\":2},");
  EXPECT_EQ(parse_info(lie).error().code, Errc::protocol) << "more room than quota";
}

}  // namespace
}  // namespace bmsg::api
