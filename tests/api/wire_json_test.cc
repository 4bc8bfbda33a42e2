// Answers of strangers: what is read of them, and what is refused.

#include "lib/api/wire_json.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/seed.h"

namespace bmsg::api {
namespace {

node::NodeInfo info() {
  node::NodeInfo made;
  made.chain = ChainId::filled(1);
  made.name = "name";
  made.tip = {Height{7}, BlockHash::filled(2), Work::filled(3), UnixSeconds{1'767'225'600}};
  made.now = {1'767'225'700};
  made.pool_messages = 5;
  made.pool_bytes = 600;
  made.node = NodeKey::filled(4);
  made.agent = "bmsg/0";
  made.read_only = true;
  made.light = true;
  return made;
}

std::string altered(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

TEST(WireJson, InfoComesBackAsItWas) {
  const auto read = parse_info(print_info(info()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value().chain, info().chain);
  EXPECT_EQ(read.value().name, "name");
  EXPECT_EQ(read.value().tip, info().tip);
  EXPECT_EQ(read.value().now, info().now);
  EXPECT_EQ(read.value().pool_messages, 5);
  EXPECT_EQ(read.value().pool_bytes, 600);
  EXPECT_EQ(read.value().node, info().node);
  EXPECT_EQ(read.value().agent, "bmsg/0");
  EXPECT_TRUE(read.value().read_only);
  EXPECT_TRUE(read.value().light);
}

TEST(WireJson, InfoOfAnotherShapeBreaksTheProtocol) {
  const std::string good = print_info(info());
  for (const std::string& bad :
       {std::string(), std::string("[]"), std::string("null"), std::string("<html>"),
        std::string(100'000, '['), altered(good, "\"version\":1", "\"version\":2"),
        altered(good, "\"height\":7", "\"height\":4294967296"),
        altered(good, "\"height\":7", "\"height\":-7"),
        altered(good, "\"height\":7", "\"height\":\"7\""),
        altered(good, "\"height\":7", "\"height\":7.0"), altered(good, "0202", "02"),
        altered(good, "0303", "03zz"), altered(good, "\"mode\":\"pow\"", "\"mode\":\"pos\""),
        altered(good, "\"mempool\":{", "\"mempool\":[{"),
        altered(good, "\"agent\":\"", "\"agent\":\"" + std::string(201, 'x')),
        altered(good, "\"read_only\":true", "\"read_only\":1"),
        altered(good, "\"light\":true", "\"light\":null"),
        altered(good, "\"name\":\"", "\"name\":\"x\",\"name\":\"")}) {
    const auto read = parse_info(bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, Errc::protocol) << bad;
  }
}

TEST(WireJson, FeedComesBackAsItWas) {
  node::Feed feed;
  feed.tip.height = Height{12};
  feed.tip.hash = BlockHash::filled(9);
  feed.proposals = {{BlockHash::filled(3), 5}, {BlockHash::filled(4), ~std::uint64_t{0}}};
  feed.messages = {ShortId::filled(1), ShortId::filled(2)};
  feed.cursor = "0a1b.17";
  const auto read = parse_feed(print_feed(feed));
  ASSERT_TRUE(read);
  EXPECT_EQ(read.value().tip.height, feed.tip.height);
  EXPECT_EQ(read.value().tip.hash, feed.tip.hash);
  EXPECT_EQ(read.value().proposals, feed.proposals);
  EXPECT_EQ(read.value().messages, feed.messages);
  EXPECT_EQ(read.value().cursor, feed.cursor);
}

TEST(WireJson, FeedOfAnotherShapeIsRefused) {
  const std::string hash(128, '0');
  const std::string signers = "p " + hash + " 000000000000000f\n";
  EXPECT_TRUE(parse_feed("t 4294967295 " + hash + "\n" + signers + "c a\n"));
  for (const std::string& bad :
       {"t 4294967296 " + hash + "\nc a\n", "t -1 " + hash + "\nc a\n", "t  " + hash + "\nc a\n",
        "t 1 " + hash + "0\nc a\n", std::string("m 01\nc a\n"), std::string("x\nc a\n"),
        std::string("c a\nc b\n"), "p " + hash + "\nc a\n", "p " + hash + " \nc a\n",
        "p " + hash + " 00000000000000f\nc a\n", "p " + hash + " 00000000000000000f\nc a\n",
        "p " + hash + " 000000000000000F\nc a\n", "p " + hash + "0 000000000000000f\nc a\n",
        "p " + hash + " 000000000000000f x\nc a\n", std::string("p 01\nc a\n")}) {
    EXPECT_FALSE(parse_feed(bad)) << bad;
  }
}

TEST(WireJson, FeedTellsOfNoMoreProposalsThanAnybodyMayKeep) {
  const std::size_t most = 2 * kProposalsPerEndorser * kEndorsersMax;
  node::Feed feed;
  feed.cursor = "a";
  feed.proposals.assign(most, {BlockHash::filled(1), 1});
  EXPECT_TRUE(parse_feed(print_feed(feed)));
  feed.proposals.push_back({BlockHash::filled(1), 1});
  EXPECT_FALSE(parse_feed(print_feed(feed)));
}

TEST(WireJson, CursorIsNothingThatWouldChangeAnAddress) {
  const std::string tip = "t 1 " + std::string(128, '0') + "\n";
  EXPECT_TRUE(parse_feed(tip + "c Aa0.9\n"));
  EXPECT_TRUE(parse_feed(tip + "c " + std::string(kCursorBytesMax, 'x') + "\n"));
  EXPECT_FALSE(parse_feed(tip + "c " + std::string(kCursorBytesMax + 1, 'x') + "\n"));
  for (const std::string_view bad : {"c \n", "c a b\n", "c a&wait=60\n", "c a%20\n", "c a#\n",
                                     "c \xc3\xa9\n", "c a\r\n", "c a\nm 00\n", ""}) {
    EXPECT_FALSE(parse_feed(tip + std::string(bad))) << bad;
  }
}

TEST(WireJson, PutLinesAreOfAFewWords) {
  const auto lines = parse_put_lines(
      "ok\nhave\nhold\norphan\nbad stamp\nneed 0101010101010101 0202020202020202\n", 6);
  ASSERT_TRUE(lines);
  using node::Verdict;
  EXPECT_EQ(lines.value()[0].verdict, Verdict::accepted);
  EXPECT_EQ(lines.value()[1].verdict, Verdict::known);
  EXPECT_EQ(lines.value()[2].verdict, Verdict::held);
  EXPECT_EQ(lines.value()[3].verdict, Verdict::orphan);
  EXPECT_EQ(lines.value()[4].verdict, Verdict::refused);
  EXPECT_EQ(lines.value()[4].rule, "stamp");
  EXPECT_EQ(lines.value()[5].need, (std::vector<ShortId>{ShortId::filled(1), ShortId::filled(2)}));
  EXPECT_FALSE(parse_put_lines("ok\nok\n", 1));
  for (const std::string_view bad : {"yes\n", "\n", "OK\n", "need 01\n", "need zz\n"}) {
    EXPECT_FALSE(parse_put_lines(bad, 9)) << bad;
  }
}

TEST(WireJson, PutLinesComeBackAsTheyWere) {
  for (const std::string_view line :
       {"ok\n", "have\n", "hold\n", "orphan\n", "bad work\n", "need 0101010101010101\n"}) {
    EXPECT_EQ(print_put_line(parse_put_lines(line, 1).value().at(0)), line);
  }
}

TEST(WireJson, PeersComeBackAsTheyWere) {
  node::Peer peer;
  peer.url = "https://example.org:5512";
  peer.key = NodeKey::filled(3);
  peer.source = node::PeerSource::invite;
  peer.score = 25;
  peer.failures = 2;
  peer.added = {1};
  peer.last_seen = {2};
  peer.not_before = {3};
  peer.height = Height{4};
  peer.latency_ms = 5;
  peer.clock_ahead = -3;
  peer.last_error = "gone";
  peer.record = node::PeerRecord{"example.org:5512", NodeKey::filled(3), {5}, {}};
  peer.told_by = "11.0.0.0/16";
  peer.reached = {6};
  peer.exchanges = 7;
  peer.records_asked = {8};
  peer.cursor = "0123.4";
  peer.own_cursor = "9";
  peer.cursors_since = {10};
  node::Peer plain;
  plain.url = "unix:/x";
  const auto read = parse_peers(print_peers({peer, plain}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read.value(), (std::vector<node::Peer>{peer, plain}));
}

TEST(WireJson, NeverCrashesOnAlteredAnswers) {
  auto numbers = seeded_numbers();
  const Bytes good_info = to_bytes(print_info(info()));
  const Bytes good_feed =
      to_bytes("t 1 " + std::string(128, '0') + "\nm 0101010101010101\nc a.1\n");
  const Bytes good_lines = to_bytes("ok\nneed 0101010101010101\nbad stamp\n");
  for (int i = 0; i < 5'000; ++i) {
    const auto read = parse_info(as_text(mutated(numbers, good_info)));
    if (!read) {
      EXPECT_EQ(read.error().code == Errc::protocol || read.error().code == Errc::bad_input, true);
    }
    (void)parse_feed(as_text(mutated(numbers, good_feed)));           // It is enough that it ends.
    (void)parse_put_lines(as_text(mutated(numbers, good_lines)), 9);  // Likewise.
  }
}

}  // namespace
}  // namespace bmsg::api
