#include "lib/node/lan.h"

#include <gtest/gtest.h>

#include "lib/core/base64.h"

namespace bmsg::node {
namespace {

constexpr UnixSeconds kNow{1'800'000'000};
constexpr std::uint64_t kDay = 86'400;

ChainId chain(std::uint8_t first) {
  ChainId id;
  id.data()[0] = first;
  return id;
}

NodeKey key(std::uint8_t first) {
  NodeKey made;
  made.data()[0] = first;
  return made;
}

const std::string kTag = lan_tag(chain(1));

std::string beacon(std::uint16_t port, const NodeKey& of) {
  return print_lan_beacon(kTag, {port, of});
}

Peer lan_peer(std::string url, const NodeKey& of) {
  Peer peer;
  peer.url = std::move(url);
  peer.key = of;
  peer.source = PeerSource::lan;
  peer.added = kNow;
  return peer;
}

Peer failed(Peer peer) {
  peer.failures = 1;
  return peer;
}

std::vector<Peer> neighbours(std::size_t count) {
  std::vector<Peer> made;
  for (std::size_t i = 0; i < count; ++i)
    made.push_back(lan_peer("https://10.0.0." + std::to_string(i + 1) + ":5512",
                            key(static_cast<std::uint8_t>(i + 1))));
  return made;
}

TEST(LanBeacon, IsTheTextOfThePage) {
  EXPECT_EQ(kTag.size(), 16u);
  EXPECT_EQ(beacon(5512, key(0)),
            "bmsg1 " + kTag + " 5512 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}

TEST(LanBeacon, ReadsWhatItPrints) {
  for (const int port : {1, 9, 5512, 65535}) {
    const LanBeacon made{static_cast<std::uint16_t>(port), key(7)};
    EXPECT_EQ(parse_lan_beacon(print_lan_beacon(kTag, made), kTag), made);
  }
}

TEST(LanBeacon, OfAnotherChainIsNone) {
  EXPECT_EQ(parse_lan_beacon(beacon(5512, key(1)), lan_tag(chain(2))), std::nullopt);
}

TEST(LanBeacon, HasOneTextForEachValue) {
  const std::string good = beacon(5512, key(1));
  ASSERT_TRUE(parse_lan_beacon(good, kTag));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(parse_lan_beacon(good.substr(0, size), kTag), std::nullopt) << size;
  const std::string code = to_base64url(key(1).view());
  for (const std::string odd : {"05512", "0", "+5512", "65536", "", " 5512", "5512 ", "55x2"})
    EXPECT_EQ(parse_lan_beacon("bmsg1 " + kTag + " " + odd + " " + code, kTag), std::nullopt)
        << odd;
  for (const std::string odd : {"\n", " ", "=", "A"})
    EXPECT_EQ(parse_lan_beacon(good + odd, kTag), std::nullopt) << odd;
  EXPECT_EQ(parse_lan_beacon(" " + good, kTag), std::nullopt);
  EXPECT_EQ(parse_lan_beacon("bmsg2" + good.substr(5), kTag), std::nullopt);
}

TEST(LanPeers, HearNewsOnce) {
  LanPeers peers(chain(1), key(9));
  const auto heard = peers.hear("192.168.1.5", beacon(5512, key(1)), kNow);
  ASSERT_TRUE(heard);
  EXPECT_EQ(heard->url, "https://192.168.1.5:5512");
  EXPECT_EQ(heard->key, key(1));
  EXPECT_EQ(heard->source, PeerSource::lan);
  peers.settle(*heard, kNow);
  EXPECT_FALSE(peers.hear("192.168.1.5", beacon(5512, key(1)), kNow));
  EXPECT_TRUE(peers.hear("192.168.1.5", beacon(5512, key(2)), kNow));
  EXPECT_TRUE(peers.hear("192.168.1.5", beacon(5513, key(1)), kNow));
  peers.forget(heard->url);
  EXPECT_TRUE(peers.hear("192.168.1.5", beacon(5512, key(1)), kNow));
  const auto v6 = peers.hear("fd00::5", beacon(5512, key(1)), kNow);
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->url, "https://[fd00::5]:5512");
}

TEST(LanPeers, DoNotHearThemselvesNorOtherServices) {
  LanPeers peers(chain(1), key(9));
  EXPECT_FALSE(peers.hear("192.168.1.5", beacon(5512, key(9)), kNow));
  EXPECT_FALSE(peers.hear("192.168.1.5", beacon(1023, key(1)), kNow));
  EXPECT_TRUE(peers.hear("192.168.1.5", beacon(1024, key(1)), kNow));
  EXPECT_FALSE(peers.hear("192.168.1.5", beacon(22, key(1)), kNow));
  EXPECT_TRUE(peers.hear("192.168.1.5", beacon(443, key(1)), kNow));
  EXPECT_FALSE(peers.hear("192.168.1.5", "bmsg1", kNow));
}

TEST(LanPeers, LetNobodySpeakTooOften) {
  LanPeers peers(chain(1), key(9));
  for (std::size_t i = 0; i < kLanPerSenderMax; ++i)
    EXPECT_TRUE(peers.hear("192.168.1.5", beacon(5512, key(1)), kNow)) << i;
  EXPECT_FALSE(peers.hear("192.168.1.5", beacon(5512, key(1)), kNow));
  EXPECT_TRUE(peers.hear("192.168.1.6", beacon(5512, key(1)), kNow));
  EXPECT_TRUE(peers.hear("192.168.1.5", beacon(5512, key(1)), UnixSeconds{kNow.value + 60}));
}

TEST(LanPeers, ListenToSoManySendersInAMinute) {
  LanPeers peers(chain(1), key(9));
  const auto from = [](std::size_t i) {
    return "10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256);
  };
  for (std::size_t i = 0; i < kLanSendersMax; ++i)
    EXPECT_TRUE(peers.hear(from(i), beacon(5512, key(1)), kNow)) << i;
  EXPECT_FALSE(peers.hear(from(kLanSendersMax), beacon(5512, key(1)), kNow));
  EXPECT_TRUE(peers.hear(from(0), beacon(5512, key(1)), kNow));  // Who is counted may go on.
}

TEST(LanPeers, AreNewOnlySoManyInAMinute) {
  LanPeers peers(chain(1), key(9));
  const auto hear = [&](std::size_t i, UnixSeconds now) {
    return peers.hear("10.0.0." + std::to_string(i), beacon(5512, key(1)), now);
  };
  for (std::size_t i = 0; i < kLanPeersMax; ++i) {
    const auto heard = hear(i, kNow);
    ASSERT_TRUE(heard) << i;
    peers.settle(*heard, kNow);
  }
  EXPECT_FALSE(hear(kLanPeersMax, kNow));
  EXPECT_TRUE(hear(kLanPeersMax, UnixSeconds{kNow.value + 60}));
}

TEST(LanPeers, AreAdmittedUpToTheirNumber) {
  const Peer news = lan_peer("https://10.0.9.9:5512", key(200));
  EXPECT_EQ(LanPeers::admit(news, {}).put, news);
  EXPECT_EQ(LanPeers::admit(news, neighbours(kLanPeersMax - 1)).put, news);
  EXPECT_EQ(LanPeers::admit(news, neighbours(kLanPeersMax)).put, std::nullopt);
  auto configured = neighbours(kLanPeersMax);
  configured[0].source = PeerSource::config;
  EXPECT_EQ(LanPeers::admit(news, configured).put, news);
}

TEST(LanPeers, MakeRoomOnlyWhereNobodyAnswered) {
  const Peer news = lan_peer("https://10.0.9.9:5512", key(200));
  auto known = neighbours(kLanPeersMax);
  known[3] = failed(known[3]);
  known[5] = failed(known[5]);
  known[5].added.value -= 1;
  known[7] = failed(known[7]);
  known[7].last_seen = kNow;
  const auto change = LanPeers::admit(news, known);
  EXPECT_EQ(change.remove, known[5].url);  // The oldest of those that never answered.
  EXPECT_EQ(change.put, news);
}

TEST(LanPeers, OfOneHostAreFew) {
  std::vector<Peer> known;
  for (std::size_t i = 0; i < kLanPeersPerHostMax; ++i)
    known.push_back(lan_peer("https://10.0.0.1:" + std::to_string(6000 + i), key(1)));
  const Peer news = lan_peer("https://10.0.0.1:5512", key(200));
  EXPECT_EQ(LanPeers::admit(news, known).put, std::nullopt);
  EXPECT_EQ(LanPeers::admit(lan_peer("https://10.0.0.2:5512", key(200)), known).put->key, key(200));
  known[2] = failed(known[2]);
  EXPECT_EQ(LanPeers::admit(news, known).remove, known[2].url);
  known.pop_back();
  EXPECT_EQ(LanPeers::admit(news, known).put, news);
}

TEST(LanPeers, LeaveAloneWhatIsKnown) {
  Peer mine = lan_peer("https://10.0.0.1:5512", key(1));
  mine.source = PeerSource::config;
  const Peer forged = lan_peer(mine.url, key(2));
  EXPECT_EQ(LanPeers::admit(forged, {failed(mine)}).put, std::nullopt);
  mine.source = PeerSource::lan;
  EXPECT_EQ(LanPeers::admit(forged, {mine}).put, std::nullopt);
  EXPECT_EQ(LanPeers::admit(forged, {failed(mine)}).put, forged);  // The first claim was false.
  Peer reached = failed(mine);
  reached.last_seen = kNow;
  EXPECT_EQ(LanPeers::admit(forged, {reached}).put, std::nullopt);
}

TEST(LanPeers, AreNotWantedAtASecondPlace) {
  Peer reached = lan_peer("https://10.0.0.1:5512", key(1));
  const Peer moved = lan_peer("https://10.0.0.2:5512", key(1));
  EXPECT_EQ(LanPeers::admit(moved, {reached}).put, moved);
  reached.last_seen = kNow;
  EXPECT_EQ(LanPeers::admit(moved, {reached}).put, std::nullopt);
  EXPECT_EQ(LanPeers::admit(moved, {failed(reached)}).put, moved);
}

TEST(LanPeers, AreForgottenAfterASilentDay) {
  LanPeers peers(chain(1), key(9));
  const Peer one = failed(lan_peer("https://10.0.0.1:5512", key(1)));
  const UnixSeconds day{kNow.value + kDay};
  const UnixSeconds past{kNow.value + kDay + 1};
  EXPECT_EQ(peers.silent({one}, day).size(), 0u);
  EXPECT_EQ(peers.silent({one}, past), std::vector{one.url});
  Peer well = one;
  well.failures = 0;
  EXPECT_EQ(peers.silent({well}, past).size(), 0u);
  Peer mine = one;
  mine.source = PeerSource::config;
  EXPECT_EQ(peers.silent({mine}, past).size(), 0u);
  Peer seen = one;
  seen.last_seen = UnixSeconds{kNow.value + 1};
  EXPECT_EQ(peers.silent({seen}, past).size(), 0u);
  peers.settle(one, UnixSeconds{kNow.value + 1});  // Heard a second later.
  EXPECT_EQ(peers.silent({one}, past).size(), 0u);
  EXPECT_EQ(peers.silent({one}, UnixSeconds{past.value + 1}), std::vector{one.url});
}

}  // namespace
}  // namespace bmsg::node
