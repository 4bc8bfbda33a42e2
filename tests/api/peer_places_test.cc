// Peers that strangers tell of: where they may be, how they are told, and what becomes of it.

#include "lib/api/peer_places.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <set>
#include <string>

#include "lib/api/peer_answers.h"
#include "lib/api/remote_service.h"
#include "lib/chain/pack.h"
#include "lib/crypto/sign.h"
#include "lib/node/lan.h"
#include "tests/api/asked_node.h"
#include "tests/api/running_node.h"

namespace bmsg::api {
namespace {

TEST(PeerPlaces, ArePublicOnesAtPeersPorts) {
  const std::map<std::string, std::string> good{{"11.0.0.1:5512", "11.0.0.0/16"},
                                                {"11.0.0.1:443", "11.0.0.0/16"},
                                                {"11.0.0.1:1024", "11.0.0.0/16"},
                                                {"[2a01:db7:1::1]:5512", "2a01:db7::/32"},
                                                {"a.b.example.org:5512", "example.org"},
                                                {"example.org:5512", "example.org"},
                                                {"abc.onion:5512", "onion"}};
  for (const auto& [place, network] : good) EXPECT_EQ(judge_place(place), network) << place;
  for (const char* bad : {"11.0.0.1:1023",
                          "11.0.0.1:22",
                          "11.0.0.1:25",
                          "11.0.0.1:80",
                          "11.0.0.1:0",
                          "127.0.0.1:5512",
                          "10.0.0.1:5512",
                          "192.168.1.1:5512",
                          "172.16.0.1:5512",
                          "169.254.169.254:5512",
                          "100.64.0.1:5512",
                          "0.0.0.0:5512",
                          "224.0.0.1:5512",
                          "192.0.2.1:5512",
                          "198.51.100.1:5512",
                          "203.0.113.1:5512",
                          "192.88.99.1:5512",
                          "[::1]:5512",
                          "[::]:5512",
                          "[fe80::1]:5512",
                          "[fd00::1]:5512",
                          "[ff02::1]:5512",
                          "[::ffff:11.0.0.1]:5512",
                          "[::ffff:127.0.0.1]:5512",
                          "[64:ff9b::7f00:1]:5512",
                          "[2002:7f00:1::1]:5512",
                          "[2001:0:1::1]:5512",
                          "[2001:db8::1]:5512",
                          "localhost:5512",
                          "intranet:5512",
                          "printer.local:5512",
                          "a.localhost:5512",
                          "db.internal:5512",
                          "Example.org:5512",
                          "example.org",
                          "127.1:5512",
                          "user@example.org:5512"}) {
    EXPECT_FALSE(judge_place(bad)) << bad;
  }
}

TEST(PeerPlaces, CountTellersByTheirNetworks) {
  EXPECT_EQ(teller_of("https://11.0.3.4:5512"), "11.0.0.0/16");
  EXPECT_EQ(teller_of("https://a.example.org:5512"), "example.org");
  EXPECT_EQ(teller_of("http://127.0.0.1:5512"), "local");
  EXPECT_EQ(teller_of("unix:/x"), "local");
  net::Peer caller;
  caller.address = "11.0.9.9";
  EXPECT_EQ(teller_of(caller), "11.0.0.0/16");
  caller.address = "2a01:db7:9::1";
  EXPECT_EQ(teller_of(caller), "2a01:db7::/32");
  caller.is_loopback = true;
  EXPECT_EQ(teller_of(caller), "local");
}

TEST(PeerPlaces, LetOnlyLearnedPeersReachPublicAddressesAlone) {
  node::Peer peer;
  peer.key = NodeKey::filled(1);
  EXPECT_EQ(reach_of(peer, {}).reach, net::Reach::anywhere);
  EXPECT_EQ(reach_of(peer, {}).expected_key, peer.key);
  for (const auto source : {node::PeerSource::learned, node::PeerSource::dht}) {
    peer.source = source;
    EXPECT_EQ(reach_of(peer, {}).reach, net::Reach::public_only);
  }
}

class ToldNode : public AskedNode {
 protected:
  ToldNode() : AskedNode(FakeClock(kEasyGenesisTime + 1'000 * 600), judge_place) {}

  node::PeerRecord record(std::uint8_t number, const std::string& place) const {
    const auto seed = crypto::SecretBytes::from(Bytes(crypto::kSeedBytes, number));
    return node::sign_peer_record(seed, builder.chain().id, place, clock.now());
  }
  std::string put(const std::string& lines) {
    net::HttpRequest request;
    request.method = net::Method::post;
    request.path = "/bmsg/1/put";
    request.peer.address = "11.9.0.1";
    request.body = chain::begin_pack();
    chain::append_frame(request.body, chain::FrameType::peers, as_bytes(lines));
    return to_string(answer_peer(*node, request).body);
  }
  std::string told() {
    net::HttpRequest request;
    request.path = "/bmsg/1/peers";
    return to_string(answer_peer(*node, request).body);
  }
};

TEST_F(ToldNode, LearnsFromAPut) {
  const auto good = record(1, "11.0.0.1:5512");
  EXPECT_EQ(put(node::print_peer_records({good})), "ok\n");
  ASSERT_EQ(node->peers().value().size(), 1U);
  EXPECT_EQ(node->peers().value().front().told_by, "11.9.0.0/16");
  EXPECT_EQ(node->peers().value().front().record, good);
  EXPECT_EQ(put(node::print_peer_records({good})), "have\n");
  EXPECT_EQ(put(node::print_peer_records({record(2, "127.0.0.1:5512")})), "have\n");
  EXPECT_EQ(put("no record\n"), "bad layout\n");
  EXPECT_EQ(put(""), "have\n");
  EXPECT_EQ(node->peers().value().size(), 1U);
}

TEST_F(ToldNode, DoesNothingForAnEmptyFrame) {
  FakeEntropy before = entropy;
  EXPECT_EQ(put(""), "have\n");
  std::array<std::uint8_t, 8> drawn{};
  std::array<std::uint8_t, 8> expected{};
  ASSERT_TRUE(entropy.fill(drawn));
  ASSERT_TRUE(before.fill(expected));
  EXPECT_EQ(drawn, expected) << "randomness was drawn to learn of nobody";
}

TEST_F(ToldNode, BoundsThePeersOfOneFrame) {
  std::vector<node::PeerRecord> many(node::kRecordsPerAnswerMax, record(1, "11.0.0.1:5512"));
  EXPECT_EQ(put(node::print_peer_records(many)), "ok\n");
  many.push_back(many.front());
  EXPECT_EQ(put(node::print_peer_records(many)), "bad layout\n");
}

TEST_F(ToldNode, RelaysOnlyWhatHasAnswered) {
  const auto one = record(1, "11.0.0.1:5512");
  put(node::print_peer_records({one}));
  EXPECT_EQ(told(), "");
  node::Peer peer = node->peers().value().front();
  peer.reached = clock.now();
  ASSERT_TRUE(node->put_peer(peer));
  EXPECT_EQ(told(), node::print_peer_records({one}));
}

TEST_F(ToldNode, CallsNobodyWhoseRecordLeadsInside) {
  node::Peer inside;
  inside.source = node::PeerSource::learned;
  inside.added = clock.now();
  for (const char* url : {"https://127.0.0.1:5512", "https://localhost:5512", "unix:/run/x.sock",
                          "http://127.0.0.1:8080", "https://11.0.0.1:22"}) {
    inside.url = url;
    ASSERT_TRUE(node->put_peer(inside));
  }
  EXPECT_TRUE(node->callable_peers().value().empty());
  EXPECT_FALSE(node->feeler().value());
  put(node::print_peer_records({record(1, "11.0.0.1:5512")}));
  EXPECT_EQ(node->callable_peers().value().size(), 1U);
  EXPECT_TRUE(node->feeler().value());
}

TEST_F(ToldNode, CallsNobodyWhomTheChainDoesNotAdmit) {
  put(node::print_peer_records({record(1, "11.0.0.1:5512")}));
  const NodeKey key = *node->peers().value().front().key;
  node->set_admits([](const NodeKey&) { return false; });
  EXPECT_TRUE(node->callable_peers().value().empty());
  EXPECT_FALSE(node->feeler().value());
  node->set_admits([key](const NodeKey& one) { return one == key; });
  EXPECT_EQ(node->callable_peers().value().size(), 1U);
  EXPECT_TRUE(node->feeler().value());
}

/// Somebody may have given it while it was called for a stranger's word.
TEST_F(ToldNode, ForgetsOnlyWhatIsStillUnproven) {
  put(node::print_peer_records({record(1, "11.0.0.1:5512")}));
  const node::Peer called = node->peers().value().front();
  std::vector<node::Peer> since(3, called);
  since[0].source = node::PeerSource::config;
  since[1].reached = clock.now();
  since[2].key = NodeKey::filled(9);
  for (const node::Peer& now : since) {
    ASSERT_TRUE(node->put_peer(now));
    ASSERT_TRUE(node->forget_unproven(called));
    EXPECT_EQ(node->peers().value(), std::vector{now});
  }
  ASSERT_TRUE(node->put_peer(called));
  ASSERT_TRUE(node->forget_unproven(called));
  EXPECT_TRUE(node->peers().value().empty());
  EXPECT_TRUE(node->forget_unproven(called));
}

TEST_F(ToldNode, ForgetsNeighboursThatAreSilent) {
  node::Peer silent;
  silent.url = "https://10.0.0.1:5512";
  silent.source = node::PeerSource::lan;
  silent.failures = 1;
  silent.added = clock.now();
  ASSERT_TRUE(node->put_peer(silent));
  node::Peer given = silent;
  given.url = "https://10.0.0.2:5512";
  given.source = node::PeerSource::config;
  ASSERT_TRUE(node->put_peer(given));
  const std::uint64_t day = clock.now().value + 86'400;
  EXPECT_TRUE(node::forget_silent(*node, UnixSeconds{day}).value().empty());
  EXPECT_EQ(node::forget_silent(*node, UnixSeconds{day + 1}).value(), std::vector{silent.url});
  EXPECT_EQ(node->peers().value(), std::vector{given});
}

/// Two nodes with a real connection between them.
TEST(PeerTrade, GoesBothWaysAtTheEndOfAnExchange) {
  const ChainBuilder builder;
  RunningNode here(builder);
  RunningNode there(builder);
  const auto seed = crypto::SecretBytes::from(Bytes(crypto::kSeedBytes, 1));
  node::Peer known;
  known.url = "https://11.0.0.1:5512";
  known.added = known.reached = there.clock.now();
  known.record = node::sign_peer_record(seed, builder.chain().id, "11.0.0.1:5512", known.added);
  known.key = known.record->key;
  ASSERT_TRUE(there.node->put_peer(known));
  node::Peer peer;
  peer.url = there.url();
  node::SyncOptions options;
  prepare_trade(options, *here.node, peer, here.clock.now());
  EXPECT_FALSE(options.ask_records);  // Somebody who is called just once.
  peer.added = here.clock.now();
  prepare_trade(options, *here.node, peer, here.clock.now());
  EXPECT_TRUE(options.ask_records);
  options.own_record = known.record;
  const auto transport = there.transport();
  const auto report = node::sync_with(*here.node, *transport, here.chain, here.clock, options);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(report.value().asked_records);
  EXPECT_EQ(report.value().records, std::vector{*known.record});
  options.ask_records = false;
  const auto silent = node::sync_with(*here.node, *transport, here.chain, here.clock, options);
  ASSERT_TRUE(silent);
  EXPECT_FALSE(silent.value().asked_records);
}

TEST(PeerTrade, IsTheSameOverTheLocalSocket) {
  const ChainBuilder builder;
  RunningNode there(builder);
  const auto remote = RemoteService::connect(there.socket(), std::chrono::seconds(5)).value();
  EXPECT_TRUE(remote->peer_records().value().empty());
  const auto seed = crypto::SecretBytes::from(Bytes(crypto::kSeedBytes, 1));
  const auto one = node::sign_peer_record(seed, builder.chain().id, "11.0.0.1:5512", {1});
  // This node has no judge of places: it learns of nobody.
  EXPECT_EQ(remote->learn_peers({one}, {.source = node::PeerSource::dht, .by = "x"}).value(), 0U);
  EXPECT_FALSE(remote->learn_peers({one}, {.source = node::PeerSource::config, .by = "x"}));
  const std::vector<node::PeerRecord> many(node::kRecordsPerAnswerMax + 1, one);
  EXPECT_FALSE(remote->learn_peers(many, {}));
}

}  // namespace
}  // namespace bmsg::api
