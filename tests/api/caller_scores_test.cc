// Who calls a serving node and gives it what breaks the rules is let in no more.

#include "lib/api/caller_scores.h"

#include <gtest/gtest.h>

#include <future>

#include "lib/api/peer_routes.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/node/peer_book.h"
#include "tests/api/asked_node.h"

namespace bmsg::api {
namespace {

using chain::FrameType;
using node::Misdeed;

net::Peer from(std::string address) {
  net::Peer peer;
  peer.address = std::move(address);
  return peer;
}

class Callers : public AskedNode {
 protected:
  explicit Callers(ChainBuilder made = ChainBuilder())
      : AskedNode(FakeClock(), {}, std::move(made)) {
    routes = std::make_unique<PeerRoutes>(*node, clock, [](auto, auto) {});
  }

  int ask(net::Peer caller, const std::string& path, Bytes body = {}) {
    net::HttpRequest request;
    request.method = path == "put" ? net::Method::post : net::Method::get;
    request.path = "/bmsg/1/" + path;
    request.body = std::move(body);
    request.peer = std::move(caller);
    std::promise<int> status;
    routes->handle(std::move(request),
                   [&](const net::HttpResponse& answer) { status.set_value(answer.status); });
    return status.get_future().get();
  }
  Bytes pack(FrameType type, ByteView payload) const {
    Bytes bytes = chain::begin_pack();
    chain::append_frame(bytes, type, payload);
    return bytes;
  }
  Bytes good_block() { return pack(FrameType::block, encode(builder.block(builder.genesis()))); }
  Bytes bad_block() {
    Block block = builder.block(builder.genesis());
    block.header.root = {};
    SealedHeader sealed{block.header, block.seal};
    builder.mine(sealed);
    block.header = sealed.header;
    block.seal = sealed.seal;
    return pack(FrameType::block, encode(block));
  }

  std::unique_ptr<PeerRoutes> routes;
};

TEST_F(Callers, AreHeardWhileTheyKeepTheRules) {
  const net::Peer caller = from("11.0.0.1");
  EXPECT_EQ(ask(caller, "put", good_block()), 200);
  EXPECT_EQ(ask(caller, "put", good_block()), 200);  // It is known by now.
  EXPECT_EQ(ask(caller, "info"), 200);
}

TEST_F(Callers, AreLetInNoMoreForADayAfterABlockThatBreaksARule) {
  const net::Peer caller = from("11.0.0.1");
  EXPECT_EQ(ask(caller, "put", bad_block()), 200);
  EXPECT_EQ(ask(caller, "info"), 403);
  EXPECT_EQ(ask(caller, "feed"), 403);
  EXPECT_EQ(ask(caller, "put", good_block()), 403);
  EXPECT_EQ(ask(from("11.0.0.2"), "info"), 200);
  clock.advance(86'399);
  EXPECT_EQ(ask(caller, "info"), 403);
  clock.advance(1);
  EXPECT_EQ(ask(caller, "info"), 200);
}

TEST_F(Callers, AreKnownByTheirKeyWhereverTheyCallFrom) {
  net::Peer caller = from("11.0.0.1");
  caller.key = NodeKey{};
  EXPECT_EQ(ask(caller, "put", bad_block()), 200);
  caller.address = "11.0.0.2";
  EXPECT_EQ(ask(caller, "info"), 403);
  caller.key.reset();
  EXPECT_EQ(ask(caller, "info"), 200);
}

TEST_F(Callers, OnThisMachineAreNeverLockedOut) {
  net::Peer loopback = from("127.0.0.1");
  loopback.is_loopback = true;
  net::Peer socket = from("unix");
  socket.is_unix = true;
  for (const net::Peer& caller : {loopback, socket, net::Peer{}}) {
    EXPECT_EQ(ask(caller, "put", bad_block()), 200);
    EXPECT_EQ(ask(caller, "info"), 200);
  }
}

TEST_F(Callers, AreLockedOutForBytesThatAreNoPack) {
  EXPECT_EQ(ask(from("11.0.0.1"), "put", Bytes{1, 2, 3}), 400);
  EXPECT_EQ(ask(from("11.0.0.1"), "info"), 403);
}

/// On a chain where a message costs something.
class CallersWhoPay : public Callers {
 protected:
  CallersWhoPay() : Callers(ChainBuilder(easy_rules_text("stamp", "1"))) {}
};

TEST_F(CallersWhoPay, AreLockedOutForAStampBelowTheRules) {
  Message message = builder.public_message("stamped", clock.now());
  EXPECT_EQ(ask(from("11.0.0.1"), "put", pack(FrameType::message, encode(message))), 200);
  EXPECT_EQ(ask(from("11.0.0.1"), "info"), 200);

  message = builder.public_message("cheap", clock.now());
  const MessageId id = chain::id_of(message.head);
  const auto limit = chain::stamp_limit(chain::stamp_needed(builder.chain(), message.head));
  while (chain::stamp_value(id, message.nonce) <= limit) ++message.nonce;
  const auto outcome = node->submit_messages({message}, node::Origin::peer).value().front();
  ASSERT_TRUE(outcome.violation);
  ASSERT_EQ(outcome.violation->rule, chain::Rule::stamp);
  EXPECT_EQ(ask(from("11.0.0.1"), "put", pack(FrameType::message, encode(message))), 200);
  EXPECT_EQ(ask(from("11.0.0.1"), "info"), 403);
}

TEST(CallerScores, CountWhatCannotHappenByMistake) {
  const auto misdeed_of = [](FrameType type, const node::PutLine& line) {
    return api::misdeed_of(type, line, Limits::fixed);
  };
  const auto bad = [](const char* rule) {
    return node::PutLine{.verdict = node::Verdict::refused, .rule = rule, .need = {}};
  };
  for (const char* rule : {"layout", "work", "bits", "seal", "root", "count", "order", "frame"})
    EXPECT_EQ(misdeed_of(FrameType::block, bad(rule)), Misdeed::broken_rule) << rule;
  for (const char* rule : {"layout", "height", "rules", "past", "time", "work", "bits", "seal"})
    EXPECT_EQ(misdeed_of(FrameType::compact, bad(rule)), Misdeed::broken_rule) << rule;
  for (const char* rule : {"layout", "stamp", "size"})
    EXPECT_EQ(misdeed_of(FrameType::message, bad(rule)), Misdeed::broken_rule) << rule;
  EXPECT_EQ(misdeed_of(FrameType::message, bad("chain")), Misdeed::false_claim);

  EXPECT_FALSE(misdeed_of(FrameType::block, bad("body")));     // Dropped.
  EXPECT_FALSE(misdeed_of(FrameType::block, bad("early")));    // Another clock.
  EXPECT_FALSE(misdeed_of(FrameType::block, bad("")));         // Our policy.
  EXPECT_FALSE(misdeed_of(FrameType::compact, bad("root")));   // One short id, two messages.
  EXPECT_FALSE(misdeed_of(FrameType::compact, bad("early")));  // Another clock.
  EXPECT_FALSE(misdeed_of(FrameType::message, bad("full")));   // Our pool.
  EXPECT_FALSE(misdeed_of(FrameType::message, bad("share")));  // Honest ones have one, too.
  EXPECT_FALSE(misdeed_of(FrameType::message, bad("expired")));
  EXPECT_FALSE(misdeed_of(FrameType::message, bad("early")));
  for (const auto verdict : {node::Verdict::accepted, node::Verdict::known, node::Verdict::held,
                             node::Verdict::orphan}) {
    EXPECT_FALSE(misdeed_of(FrameType::block, {.verdict = verdict, .rule = "work", .need = {}}));
  }
}

TEST(CallerScores, ForgiveLimitsThatACharterMayHaveChanged) {
  const auto misdeed = [](FrameType type, const char* rule) {
    return misdeed_of(type, {.verdict = node::Verdict::refused, .rule = rule, .need = {}},
                      Limits::by_charter);
  };
  EXPECT_FALSE(misdeed(FrameType::message, "stamp"));
  EXPECT_FALSE(misdeed(FrameType::message, "size"));
  EXPECT_FALSE(misdeed(FrameType::message, "charter"));
  EXPECT_EQ(misdeed(FrameType::message, "layout"), Misdeed::broken_rule);
  EXPECT_EQ(misdeed(FrameType::message, "chain"), Misdeed::false_claim);
  EXPECT_EQ(misdeed(FrameType::block, "size"), Misdeed::broken_rule);
  EXPECT_EQ(misdeed(FrameType::compact, "seal"), Misdeed::broken_rule);
}

TEST(CallerScores, RememberNoMoreThanSoManyAndTheWorstOfThem) {
  const FakeClock clock;
  CallerScores scores(clock, Limits::fixed);
  net::HttpRequest request;
  request.method = net::Method::post;
  request.path = "/bmsg/1/put";
  const net::HttpResponse refused = net::text_response(400, "");
  request.peer = from("11.0.0.1");
  scores.note(request, refused);
  ASSERT_TRUE(scores.is_banned(request.peer));

  // Of others each has a quarter of a ban.
  request.body = chain::begin_pack();
  chain::append_frame(request.body, FrameType::message, Bytes{});
  const net::HttpResponse foreign = net::text_response(200, "bad chain\n");
  for (std::size_t i = 0; i < kCallersScored + 10; ++i) {
    request.peer = from("12.0." + std::to_string(i / 256) + "." + std::to_string(i % 256));
    scores.note(request, foreign);
    EXPECT_FALSE(scores.is_banned(request.peer));
  }
  EXPECT_EQ(scores.known(), kCallersScored);
  EXPECT_TRUE(scores.is_banned(from("11.0.0.1")));
}

}  // namespace
}  // namespace bmsg::api
