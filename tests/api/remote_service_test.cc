// A node over its unix socket answers as the node itself, errors included.

#include "lib/api/remote_service.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>

#include "lib/api/local_wire.h"
#include "lib/chain/block_hash.h"
#include "lib/net/unix_socket.h"
#include "tests/api/running_node.h"

namespace bmsg::api {
namespace {

using namespace std::chrono_literals;

/// An outbox of messages in memory.
class Outbox final : public node::OutboxSource {
 public:
  Result<std::vector<Queued>> new_messages(std::size_t) override {
    ++asked;
    return std::vector<Queued>(queued.begin(), queued.end());
  }
  Result<Done> mark_taken(const std::string&) override {
    queued.pop_front();
    return done;
  }
  Result<Done> mark_failed(const std::string& name, const std::string&) override {
    return mark_taken(name);
  }
  std::deque<Queued> queued;
  std::atomic<int> asked = 0;
};

class Remote : public testing::Test {
 protected:
  Remote() : node(builder, &outbox) {
    blocks = builder.blocks(builder.genesis(), 5);
    node.accept(blocks);
    remote = RemoteService::connect(node.socket(), 10s).value();
    EXPECT_TRUE(remote);
  }
  node::Node& direct() { return *node.node; }
  Message message(const std::string& text) {
    return builder.public_message(text, node.clock.now());
  }

  ChainBuilder builder;
  Outbox outbox;
  RunningNode node;
  std::vector<Block> blocks;
  std::unique_ptr<RemoteService> remote;
};

TEST_F(Remote, ReadsWhatTheNodeReads) {
  const Message pooled = message("pooled");
  ASSERT_TRUE(direct().submit_messages({pooled}, node::Origin::own));
  EXPECT_EQ(remote->info().value().tip, direct().info().value().tip);
  EXPECT_EQ(remote->rules_text().value(), direct().rules_text().value());
  EXPECT_EQ(remote->headers(Height{2}, 9).value(), direct().headers(Height{2}, 9).value());
  EXPECT_EQ(remote->headers(Height{0}, 5'000).value().size(), 6);
  EXPECT_EQ(remote->blocks(Height{1}, 99, Bodies::with).value(), blocks);
  EXPECT_EQ(remote->block(chain::hash_of(blocks[2].header), Bodies::with).value(), blocks[2]);
  EXPECT_FALSE(remote->block(BlockHash::filled(7), Bodies::with).value());
  EXPECT_FALSE(remote->proposal(BlockHash::filled(7)).value());
  const ShortId id = prefix_of<ShortId>(chain::id_of(pooled.head));
  EXPECT_EQ(remote->messages({id}).value(), std::vector<Message>{pooled});
  EXPECT_EQ(remote->feed("").value().messages, std::vector<ShortId>{id});
  // By a number that is good as long as the store is, not only this node.
  const auto all = remote->pool_since(0).value();
  EXPECT_EQ(all.messages, std::vector<ShortId>{id});
  EXPECT_EQ(all.cursor, direct().pool_since(0).value().cursor);
  EXPECT_TRUE(remote->pool_since(std::stoull(all.cursor)).value().messages.empty());
}

TEST_F(Remote, HandsInBlocksAndMessages) {
  const Message mined = message("mined");
  const Block block = builder.block(blocks.back().header, {mined}, node.clock.now());
  const auto compact = chain::compact_of(block);
  EXPECT_EQ(remote->submit_compact(compact).value().need,
            std::vector<ShortId>{prefix_of<ShortId>(chain::id_of(mined.head))});
  const auto taken = remote->submit_messages({mined, mined}, node::Origin::peer).value();
  ASSERT_EQ(taken.size(), 2);
  EXPECT_EQ(taken[0].verdict, node::Verdict::accepted);
  EXPECT_EQ(taken[1].verdict, node::Verdict::known);
  EXPECT_EQ(taken[0].id, chain::id_of(mined.head));
  EXPECT_EQ(remote->submit_compact(compact).value().outcome->verdict, node::Verdict::accepted);
  EXPECT_EQ(remote->submit_block(block).value().verdict, node::Verdict::known);
  Block bad = block;
  bad.header.time.value -= 1'000'000'000;
  const auto refused = remote->submit_block(bad).value();
  EXPECT_EQ(refused.verdict, node::Verdict::refused);
  ASSERT_TRUE(refused.violation);
  EXPECT_EQ(refused.violation->rule, chain::Rule::time);
}

TEST_F(Remote, TellsOfAReorganisation) {
  const Block ours = builder.block(blocks.back().header, {message("ours")}, node.clock.now());
  ASSERT_EQ(remote->submit_block(ours).value().verdict, node::Verdict::accepted);
  const auto other = builder.blocks(blocks[3].header, 3);
  node::BlockOutcome last;
  for (const Block& block : other) {
    auto outcome = remote->submit_block(block).value();
    if (outcome.reorg) last = outcome;
  }
  ASSERT_TRUE(last.reorg);
  EXPECT_GE(last.reorg->depth, 1);
  EXPECT_EQ(remote->info().value().tip.hash, node.tip().hash);
}

TEST_F(Remote, BuildsABlockAndTakesInTheOutbox) {
  outbox.queued.push_back({"name", message("queued")});
  const auto taken = remote->take_outbox().value();
  EXPECT_EQ(taken.taken.size(), 1);
  EXPECT_TRUE(taken.refused.empty());
  const auto work = remote->block_template({.bury = 6}).value();
  const auto same = direct().block_template({.bury = 6}).value();
  EXPECT_EQ(work.block, same.block);
  EXPECT_EQ(work.parent, same.parent);
  EXPECT_TRUE(work.has_work);
}

TEST_F(Remote, KeepsPeers) {
  node::Peer peer;
  peer.url = "https://example.org:5512";
  peer.key = NodeKey::filled(1);
  peer.last_error = "\x1b[31m";
  ASSERT_TRUE(remote->put_peer(peer));
  EXPECT_EQ(remote->peers().value(), std::vector<node::Peer>{peer});
  EXPECT_EQ(direct().peers().value(), std::vector<node::Peer>{peer});
  ASSERT_TRUE(remote->remove_peer(peer.url));
  EXPECT_TRUE(direct().peers().value().empty());
}

TEST_F(Remote, PassesErrorsOnAsTheyAre) {
  node.store.fail_apply(0);
  const Block block = builder.block(blocks.back().header);
  EXPECT_EQ(remote->submit_block(block).error().code, Errc::io);
  EXPECT_TRUE(remote->submit_block(block));
  const BlockHash hash = chain::hash_of(blocks[1].header);
  node.store.records().blocks.at(hash).readable = false;
  EXPECT_EQ(direct().block(hash, Bodies::with).error().code, Errc::corrupt);
  const auto damaged = remote->block(hash, Bodies::with);
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Errc::corrupt);
  EXPECT_EQ(damaged.error().message, direct().block(hash, Bodies::with).error().message);
  // A stranger learns that something failed, and not what.
  EXPECT_EQ(node.transport()->block(hash, Bodies::with).error().code, Errc::unreachable);
}

TEST_F(Remote, IsNotThereForStrangers) {
  net::HttpClient client(node.address());
  net::OutgoingRequest request;
  request.method = net::Method::post;
  request.target = "/local/1/peers";
  request.fields.push_back({std::string(kLocalVersionField), std::string(kLocalVersion)});
  const auto answer = client.request(request, {});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer.value().status, 404);
  EXPECT_TRUE(answer.value().body.empty());
}

TEST_F(Remote, IsPokedWithoutWaiting) {
  const int before = outbox.asked;
  poke(node.socket());
  EXPECT_TRUE(eventually([&] { return outbox.asked > before; }));
}

TEST(RemoteService, IsNullWhereNobodyListens) {
  const TempDir dir;
  const auto none = RemoteService::connect(dir.path() / "node.sock", 1s);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none.value());
  poke(dir.path() / "node.sock");  // It does not mind.
}

TEST(RemoteService, SaysThatAStoppedNodeIsLocked) {
  const TempDir dir;
  const auto listening = net::listen_unix(dir.path() / "node.sock", net::Stale::keep);
  ASSERT_TRUE(listening);  // Nobody ever answers there.
  const auto remote = RemoteService::connect(dir.path() / "node.sock", 100ms);
  ASSERT_FALSE(remote);
  EXPECT_EQ(remote.error().code, Errc::locked);
}

/// What connect() says to a server that gives one answer to everything.
Errc refusal_by(net::HttpResponse answer) {
  const TempDir dir;
  const SystemClock clock;
  const auto path = (dir.path() / "node.sock").string();
  const auto server = net::HttpServer::start(
      {{.address = {net::Scheme::unix_socket, {}, 0, path}}},
      [&](const net::HttpRequest&, const net::Respond& respond) { respond(answer); }, {}, clock);
  EXPECT_TRUE(server);
  const auto remote = RemoteService::connect(path, 10s);
  EXPECT_FALSE(remote);
  return remote ? Errc::bad_usage : remote.error().code;
}

TEST(RemoteService, RefusesANodeOfAnotherVersion) {
  EXPECT_EQ(refusal_by({kLocalFailed, "", {}, encode(Error{Errc::bad_config, "another"})}),
            Errc::bad_config);
}

TEST(RemoteService, TakesAReorgWholeOrNotAtAll) {
  const node::Reorg reorg{BlockHash::filled(1), BlockHash::filled(2), 3, {MessageId::filled(4)}};
  Bytes bytes = encode(reorg);
  const auto read = decode_reorg(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read.value().from, reorg.from);
  EXPECT_EQ(read.value().to, reorg.to);
  EXPECT_EQ(read.value().depth, 3U);
  EXPECT_EQ(read.value().returned, reorg.returned);
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(decode_reorg(ByteView(bytes).first(length))) << length;
  bytes.push_back(0);
  EXPECT_FALSE(decode_reorg(bytes));
}

TEST(RemoteService, RefusesOtherServers) {
  EXPECT_EQ(refusal_by({404, "", {}, {}}), Errc::protocol);
  EXPECT_EQ(refusal_by({kLocalFailed, "", {}, {}}), Errc::protocol);
  EXPECT_EQ(refusal_by({kLocalFailed, "", {}, Bytes{0xff}}), Errc::protocol);
  EXPECT_EQ(refusal_by({200, "", {}, to_bytes("<html>")}), Errc::protocol);
}

}  // namespace
}  // namespace bmsg::api
