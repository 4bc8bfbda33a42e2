// A peer asked over real HTTP: a good one, and all kinds of bad ones.

#include "lib/api/http_transport.h"

#include <gtest/gtest.h>

#include <atomic>

#include "lib/api/gossip.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "lib/node/peer_book.h"
#include "lib/node/sync_session.h"
#include "tests/api/running_node.h"
#include "tests/support/seed.h"

namespace bmsg::api {
namespace {

class Transports : public testing::Test {
 protected:
  Transports() : far(builder) {
    blocks = builder.blocks(builder.genesis(), 40);
    far.accept(blocks);
    waiting = builder.public_message("waits", far.clock.now());
    EXPECT_TRUE(far.node->submit_messages({waiting}, node::Origin::own));
  }

  static ShortId short_id(const Message& message) {
    return prefix_of<ShortId>(chain::id_of(message.head));
  }

  ChainBuilder builder;
  RunningNode far;
  std::vector<Block> blocks;
  Message waiting;
};

TEST_F(Transports, AnswerAsTheNodeItself) {
  const auto peer = far.transport();
  const auto info = peer->info().value();
  EXPECT_EQ(info.tip, far.tip());
  EXPECT_EQ(info.chain, builder.chain().id);
  EXPECT_EQ(info.pool_messages, 1);
  EXPECT_EQ(peer->rules_text().value(), builder.rules_text());
  EXPECT_EQ(peer->headers(Height{3}, 5).value(), far.node->headers(Height{3}, 5).value());
  EXPECT_EQ(peer->headers(Height{41}, 5).value().size(), 0);
  EXPECT_EQ(peer->blocks(Height{1}, 16, Bodies::with).value(),
            std::vector<Block>(blocks.begin(), blocks.begin() + 16));
  EXPECT_EQ(peer->block(chain::hash_of(blocks[7].header), Bodies::with).value(), blocks[7]);
  EXPECT_FALSE(peer->block(BlockHash::filled(1), Bodies::with).value());
  EXPECT_EQ(peer->messages({short_id(waiting), ShortId::filled(1)}).value(),
            std::vector<Message>{waiting});
  const auto feed = peer->feed("").value();
  EXPECT_EQ(feed.messages, std::vector<ShortId>{short_id(waiting)});
  EXPECT_EQ(peer->feed(feed.cursor).value().messages.size(), 0);
  EXPECT_GT(peer->bytes_in(), peer->bytes_out());
}

TEST_F(Transports, AskAheadForBlocks) {
  const auto peer = far.transport();
  ASSERT_TRUE(peer->info());
  EXPECT_FALSE(peer->has_expected(std::chrono::milliseconds(0)));
  ASSERT_TRUE(peer->expect_blocks(Height{1}, 16, Bodies::with));
  ASSERT_TRUE(peer->has_expected(std::chrono::seconds(20)));
  const auto bytes = peer->bytes_in();
  const std::vector<Block> first(blocks.begin(), blocks.begin() + 16);
  EXPECT_EQ(peer->blocks(Height{1}, 16, Bodies::with).value(), first);
  EXPECT_EQ(peer->bytes_in(), bytes) << "it was here already";
  EXPECT_FALSE(peer->has_expected(std::chrono::milliseconds(0)));

  ASSERT_TRUE(peer->expect_blocks(Height{1}, 16, Bodies::with));
  EXPECT_EQ(peer->info().value().tip, far.tip()) << "what else is asked for goes first";
  EXPECT_EQ(peer->blocks(Height{1}, 16, Bodies::with).value(), first);
  ASSERT_TRUE(peer->expect_blocks(Height{1}, 16, Bodies::with));
  EXPECT_EQ(peer->blocks(Height{17}, 3, Bodies::with).value().front(), blocks[16]);
  ASSERT_TRUE(peer->expect_blocks(Height{1}, 16, Bodies::with));  // And nobody takes it.
}

TEST(Scores, TwiceWorkThatIsNotShownIsEnough) {
  const Error lie{Errc::protocol, "the work that it claims is not in its headers"};
  node::SyncReport so_far;
  so_far.lacks_work = true;
  node::Peer peer;
  peer.url = "https://11.0.0.1:5512";
  peer = after_error(peer, lie, {1'000'000}, so_far);
  EXPECT_LT(peer.score, node::kBanScore);
  peer = after_error(peer, lie, {1'000'000 + 1'200}, so_far);
  EXPECT_EQ(peer.score, node::kBanScore);
  EXPECT_FALSE(node::may_call(peer, {1'000'000 + 80'000}));
  node::Peer other;
  other.url = peer.url;
  EXPECT_EQ(after_error(other, lie, {1'000'000}).score, 25U) << "other lies cost less";
}

TEST_F(Transports, CarryASyncBothWays) {
  RunningNode near(builder);
  const Message ours = builder.public_message("ours", near.clock.now());
  ASSERT_TRUE(near.node->submit_messages({ours}, node::Origin::own));
  const auto peer = far.transport();
  const auto pulled = node::sync_with(*near.node, *peer, near.chain, near.clock, {});
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_EQ(pulled.value().pulled_blocks, 40);
  EXPECT_EQ(pulled.value().pulled_messages, 1);
  EXPECT_EQ(pulled.value().pushed_messages, 1);
  EXPECT_EQ(near.tip(), far.tip());
  near.accept({builder.block(blocks.back().header, {ours}, near.clock.now())});
  const auto pushed = node::sync_with(*near.node, *peer, near.chain, near.clock, {});
  ASSERT_TRUE(pushed) << pushed.error().message;
  EXPECT_EQ(pushed.value().pushed_blocks, 1);
  EXPECT_EQ(near.tip(), far.tip());
}

TEST(HttpTransport, IsOpenedForPeersOnly) {
  for (const char* bad : {"http://example.org:80", "http://10.0.0.1:80", "ftp://x:1", "x", ""}) {
    const auto opened = HttpTransport::open(bad, {});
    ASSERT_FALSE(opened) << bad;
    EXPECT_EQ(opened.error().code, Errc::bad_input);
  }
  EXPECT_TRUE(HttpTransport::open("https://example.org:443", {}));
  EXPECT_TRUE(HttpTransport::open("http://127.0.0.1:1", {}));
  EXPECT_TRUE(HttpTransport::open("unix:/tmp/x", {}));
}

TEST(HttpTransport, SaysThatNobodyAnswers) {
  net::Address taken;
  {
    ChainBuilder builder;
    taken = RunningNode(builder).address();
  }
  const auto peer = HttpTransport::open(net::to_string(taken), {}).value();
  EXPECT_EQ(peer->info().error().code, Errc::unreachable);
}

/// A server that gives one answer to everything, or several in turn.
class Liar {
 public:
  explicit Liar(net::HttpResponse answer) : Liar(std::vector{std::move(answer)}) {}
  explicit Liar(std::vector<net::HttpResponse> answers) : answers_(std::move(answers)) {
    server_ = net::HttpServer::start(
                  {{.address = {net::Scheme::http, "127.0.0.1", 0, {}}}},
                  [this](const net::HttpRequest&, const net::Respond& respond) {
                    const auto turn = static_cast<std::size_t>(asked++);
                    respond(answers_[turn % answers_.size()]);
                  },
                  {}, clock_)
                  .value();
  }
  std::unique_ptr<HttpTransport> transport() const {
    return HttpTransport::open(net::to_string(server_->bound_addresses().front()), {}).value();
  }
  std::atomic<int> asked = 0;

 private:
  SystemClock clock_;
  std::vector<net::HttpResponse> answers_;
  std::unique_ptr<net::HttpServer> server_;
};

/// The errors of every verb.
std::vector<Error> all_errors(HttpTransport& peer) {
  std::vector<Error> errors;
  const auto note = [&](const auto& result) {
    if (!result) errors.push_back(result.error());
  };
  note(peer.info());
  note(peer.headers(Height{0}, 10));
  note(peer.blocks(Height{0}, 16, Bodies::with));
  note(peer.block(BlockHash::filled(1), Bodies::with));
  note(peer.messages({ShortId::filled(1)}));
  note(peer.feed(""));
  note(peer.put(chain::begin_pack()));
  return errors;
}

net::HttpResponse answer(Bytes body, int status = 200) {
  return {status, "application/json", {}, std::move(body)};
}

TEST(LyingServers, BreakTheProtocolWhateverTheySay) {
  Bytes headers = chain::begin_pack();
  for (int i = 0; i < 11; ++i) chain::append_frame(headers, chain::FrameType::header, Bytes{});
  Bytes false_block = chain::begin_pack();
  chain::append_frame(false_block, chain::FrameType::block, Bytes(300, 0));
  for (const Bytes& body : {to_bytes("<html>log in to the hotel's network</html>"),
                            Bytes(1'000'000, '['), Bytes{0xff}, to_bytes("{}"), to_bytes("[]"),
                            to_bytes("{\"chain\":1}"), to_bytes("bmP1H\xff\xff\xff\xff"), headers,
                            false_block, to_bytes("\n"), to_bytes("bmP2")}) {
    const Liar liar(answer(body));
    const auto errors = all_errors(*liar.transport());
    EXPECT_EQ(errors.size(), 7) << as_text(body).substr(0, 20);
    for (const Error& error : errors) EXPECT_EQ(error.code, Errc::protocol) << error.message;
  }
}

TEST(LyingServers, AreNotFollowedElsewhere) {
  const Liar target(answer(to_bytes("{}")));
  for (const int status : {201, 204, 301, 302, 307, 308, 400, 401, 405, 410, 499}) {
    net::HttpResponse redirect = answer({}, status);
    const std::string places[] = {"http://127.0.0.1:1/", "file:///etc/passwd",
                                  "http://169.254.169.254/"};
    redirect.fields.push_back({"location", places[status % 3]});
    const Liar liar(redirect);
    for (const Error& error : all_errors(*liar.transport())) {
      EXPECT_EQ(error.code, Errc::protocol) << status;
    }
    EXPECT_EQ(liar.asked, 7);
  }
  EXPECT_EQ(target.asked, 0);
}

TEST(FailingServers, AreNoLiars) {
  for (const int status : {500, 502, 504, 507}) {
    const Liar failing(answer({}, status));
    const auto errors = all_errors(*failing.transport());
    EXPECT_EQ(errors.size(), 7);
    for (const Error& error : errors) {
      EXPECT_EQ(error.code, Errc::unreachable) << status;
      node::Peer peer;
      peer.url = "https://11.0.0.1:5512";
      EXPECT_EQ(after_error(peer, error, {1'000}).score, 0u);
    }
  }
}

TEST(LyingServers, MayLetUsInNoMore) {
  const Liar liar(answer({}, 403));
  const auto errors = all_errors(*liar.transport());
  EXPECT_EQ(errors.size(), 7);
  for (const Error& error : errors) {
    EXPECT_EQ(error.code, Errc::denied);
    EXPECT_NE(error.message.find("lets this node in no more for now"), std::string::npos);
    node::Peer peer;
    peer.url = "https://11.0.0.1:5512";
    EXPECT_EQ(after_error(peer, error, {1'000}).score, 0u);  // Nothing that it did wrong.
  }
}

TEST(LyingServers, AskForPatience) {
  for (const int status : {429, 503}) {
    const Liar liar(answer({}, status));
    const auto errors = all_errors(*liar.transport());
    EXPECT_EQ(errors.size(), 7);
    for (const Error& error : errors) EXPECT_EQ(error.code, Errc::try_again);
  }
}

TEST(LyingServers, AreCutOffAtTheLimitOfAnAnswer) {
  const Liar liar(answer(Bytes(200'000, 'x')));
  const auto peer = liar.transport();
  EXPECT_EQ(peer->info().error().code, Errc::protocol);
  EXPECT_LT(peer->bytes_in(), 200'000);
  EXPECT_EQ(peer->rules_text().error().code, Errc::protocol);
}

TEST(LyingServers, NeverCrashAClient) {
  auto numbers = seeded_numbers();
  ChainBuilder builder;
  Bytes pack = chain::begin_pack();
  for (const Block& block : builder.blocks(builder.genesis(), 2)) {
    chain::append_frame(pack, chain::FrameType::block, encode(block));
  }
  const Bytes json = to_bytes(R"({"chain":"x","height":1,"tip":null,"messages":[],"cursor":"a"})");
  const Bytes text = to_bytes("\x1b]0;title\x07 \xc2\x9b[31m\r\b\xe2\x80\xae<script>");
  std::vector<net::HttpResponse> answers;
  for (int i = 0; i < 1'001; ++i) {
    const Bytes kinds[] = {mutated(numbers, pack), random_bytes(numbers, 300),
                           mutated(numbers, json), mutated(numbers, text)};
    answers.push_back(answer(kinds[number_up_to(numbers, 3)]));
  }
  const Liar liar(answers);
  const auto peer = liar.transport();
  std::size_t refused = 0;
  for (int i = 0; i < 1'001 / 7; ++i) {
    for (const Error& error : all_errors(*peer)) {
      EXPECT_EQ(error.code, Errc::protocol) << error.message;
      ++refused;
    }
  }
  EXPECT_EQ(liar.asked, 1'001);
  EXPECT_GT(refused, 900U);
}

}  // namespace
}  // namespace bmsg::api
