// Who tells of many places gets a small part of the table, and nobody that is known out of it.

#include "lib/node/peer_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "lib/node/peer_book.h"
#include "tests/node/learned_peers.h"

namespace bmsg::node {
namespace {

constexpr std::uint64_t kDay = 86'400;

Peer given(const std::string& url, std::uint64_t number) {
  Peer peer;
  peer.url = url;
  peer.key = relabel<NodeKey>(crypto::public_key_of(peer_seed(number)));
  peer.added = UnixSeconds{1};
  return peer;
}

std::size_t count_learned(const PeerShelf& shelf) {
  return static_cast<std::size_t>(std::ranges::count_if(shelf.all(), is_learned));
}

/// So many records of different nodes, no two in one network.
std::vector<PeerRecord> spread(std::size_t count, std::uint64_t first, unsigned top = 20) {
  std::vector<PeerRecord> records;
  for (std::size_t i = 0; i < count; ++i) {
    const auto at = static_cast<unsigned>(i);
    records.push_back(record_of(first + i, place_of(top + at / 200, at % 200, 1, 1)));
  }
  return records;
}

TEST(PeerTable, KeepsWhatItWasToldAsUnproven) {
  PeerShelf shelf;
  const PeerRecord told = record_of(1, "11.0.0.1:5512");
  EXPECT_EQ(shelf.learn({told}, "12.0"), 1U);
  const Peer& kept = shelf.at("11.0.0.1:5512");
  EXPECT_EQ(kept.source, PeerSource::learned);
  EXPECT_EQ(kept.key, told.key);
  EXPECT_EQ(kept.record, told);
  EXPECT_EQ(kept.told_by, "12.0");
  EXPECT_EQ(kept.added, shelf.now);
  EXPECT_TRUE(is_unproven(kept));
  EXPECT_EQ(shelf.learn({told}, "12.0"), 0U);  // A duplicate.
  EXPECT_EQ(shelf.peers.size(), 1U);
}

TEST(PeerTable, RefusesWhatIsNotSignedForThisChainAndTime) {
  PeerShelf shelf;
  const PeerRecord good = record_of(1, "11.0.0.1:5512");
  PeerRecord forged = good;
  forged.host_port = "11.0.0.2:5512";
  const auto other = sign_peer_record(peer_seed(1), ChainId(), "11.0.0.1:5512", shelf.now);
  const auto old = record_of(1, "11.0.0.1:5512", kPeersNow - 14 * kDay - 1);
  const auto early = record_of(1, "11.0.0.1:5512", kPeersNow + 121);
  EXPECT_EQ(shelf.learn({forged, other, old, early}, "12.0"), 0U);
  EXPECT_EQ(shelf.learn({good}, "12.0"), 1U);
}

TEST(PeerTable, KeepsNeitherItselfNorPlacesThatAreNotPublic) {
  PeerShelf shelf;
  shelf.own = relabel<NodeKey>(crypto::public_key_of(peer_seed(1)));
  EXPECT_EQ(shelf.learn({record_of(1, "11.0.0.1:5512"), record_of(2, "10.0.0.1:5512"),
                         record_of(3, "127.0.0.1:5512"), record_of(4, "11.0.0.1:22")},
                        "12.0"),
            0U);
  EXPECT_TRUE(shelf.peers.empty());
}

TEST(PeerTable, TakesSixteenOfOneNetwork) {
  PeerShelf shelf;
  for (unsigned i = 0; i < 40; ++i)  // Each told by somebody else.
    shelf.learn({record_of(i, place_of(11, 0, 0, i))}, fmt::format("12.{}", i));
  EXPECT_EQ(shelf.peers.size(), kLearnedOfNetworkMax);
  EXPECT_EQ(shelf.learn({record_of(90, place_of(11, 1, 0, 1))}, "12.0"), 1U);
}

TEST(PeerTable, TakesATenthOfOneTeller) {
  PeerShelf shelf;
  EXPECT_EQ(shelf.learn(spread(150, 0), "12.0"), kLearnedOfTellerMax);
  EXPECT_EQ(shelf.peers.size(), kLearnedOfTellerMax);
  EXPECT_EQ(kLearnedOfTellerMax * 10, kLearnedMax);
  EXPECT_EQ(shelf.learn(spread(1, 900, 90), "12.1"), 1U);
}

TEST(PeerTable, MakesRoomOnlyWhereNobodyAnsweredAndOnlyForWhatIsGood) {
  PeerShelf shelf;
  shelf.peers["https://9.9.9.9:5512"] = given("https://9.9.9.9:5512", 70'000);
  for (unsigned teller = 0; teller < 10; ++teller) {
    const auto told = spread(kLearnedOfTellerMax, 100 * teller, 20 + teller);
    EXPECT_EQ(shelf.learn(told, fmt::format("12.{}", teller)), kLearnedOfTellerMax);
  }
  ASSERT_EQ(count_learned(shelf), kLearnedMax);
  for (auto& [url, peer] : shelf.peers) peer.reached = shelf.now;
  EXPECT_EQ(shelf.learn(spread(1, 50'000, 90), "13.0"), 0U);  // All have answered.
  const std::string lost = shelf.peers.begin()->first;
  shelf.peers.begin()->second.reached = {};
  PeerRecord forged = spread(1, 50'000, 90).front();
  forged.time.value += 1;
  EXPECT_EQ(shelf.learn({forged}, "13.0"), 0U);
  EXPECT_TRUE(shelf.peers.contains(lost));
  EXPECT_EQ(shelf.learn(spread(1, 50'000, 90), "13.0"), 1U);
  EXPECT_FALSE(shelf.peers.contains(lost));
  EXPECT_EQ(count_learned(shelf), kLearnedMax);
  EXPECT_TRUE(shelf.has("9.9.9.9:5512"));
}

/// Whoever fills a network with keys that he throws away bars nobody from it.
TEST(PeerTable, MakesRoomInAFullNetworkWhereNobodyAnswered) {
  PeerShelf full;
  for (unsigned i = 0; i < kLearnedOfNetworkMax; ++i)
    full.learn({record_of(i, place_of(11, 0, 0, i))}, fmt::format("12.{}", i));
  full.learn({record_of(80, place_of(13, 0, 0, 1))}, "14.0");
  full.prove(place_of(11, 0, 0, 3));
  ASSERT_EQ(full.peers.size(), kLearnedOfNetworkMax + 1);
  const auto honest = record_of(90, "11.0.9.9:5512");
  std::set<std::string> lost;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    PeerShelf shelf = full;
    ASSERT_EQ(shelf.learn({honest}, "15.0", seed), 1U);
    EXPECT_TRUE(shelf.has("11.0.9.9:5512"));
    EXPECT_TRUE(shelf.has("11.0.0.3:5512")) << "it has answered";
    EXPECT_TRUE(shelf.has("13.0.0.1:5512")) << "it is of another network";
    EXPECT_EQ(shelf.peers.size(), kLearnedOfNetworkMax + 1);
    for (const auto& [url, peer] : full.peers) {
      if (!shelf.peers.contains(url)) lost.insert(url);
    }
  }
  EXPECT_GT(lost.size(), 5U) << "who gives way is drawn";
  for (unsigned i = 0; i < kLearnedOfNetworkMax; ++i) full.prove(place_of(11, 0, 0, i));
  EXPECT_EQ(full.learn({honest}, "15.0"), 0U) << "all have answered";
  PeerRecord forged = honest;
  forged.time.value += 1;
  full.at(place_of(11, 0, 0, 3)).reached = {};
  EXPECT_EQ(full.learn({forged}, "15.0"), 0U);
  EXPECT_TRUE(full.has("11.0.0.3:5512")) << "room was made for a lie";
}

TEST(PeerTable, MakesRoomAmongWhatOneTellerTold) {
  PeerShelf shelf;
  shelf.learn(spread(kLearnedOfTellerMax, 0), "12.0");
  shelf.learn({record_of(800, "80.0.0.1:5512")}, "12.1");
  EXPECT_EQ(shelf.learn(spread(1, 900, 90), "12.0"), 1U);
  EXPECT_TRUE(shelf.has(place_of(90, 0, 1, 1)));
  EXPECT_TRUE(shelf.has("80.0.0.1:5512")) << "another has told of it";
  EXPECT_EQ(shelf.peers.size(), kLearnedOfTellerMax + 1);
  for (auto& [url, peer] : shelf.peers) peer.reached = shelf.now;
  EXPECT_EQ(shelf.learn(spread(1, 901, 91), "12.0"), 0U);
}

TEST(PeerTable, TellsNamesFromAddresses) {
  for (const char* name : {"a.example.org:5512", "1.2.3.example:443", "x.onion:5512", "a.b3:5512"})
    EXPECT_TRUE(is_name(name)) << name;
  for (const char* address : {"11.0.0.1:5512", "[2a00::1]:5512", "[::]:443"})
    EXPECT_FALSE(is_name(address)) << address;
}

/// Names cost nothing, and each domain counts as a network.
TEST(PeerTable, GivesNamesAQuarterOfTheTable) {
  PeerShelf shelf;
  for (unsigned i = 0; i < kLearnedNamesMax + 50; ++i)
    shelf.learn({record_of(i, fmt::format("n.d{}.org:5512", i))}, fmt::format("12.{}", i));
  EXPECT_EQ(kLearnedNamesMax * 4, kLearnedMax);
  EXPECT_EQ(shelf.peers.size(), kLearnedNamesMax);
  EXPECT_TRUE(shelf.has(fmt::format("n.d{}.org:5512", kLearnedNamesMax + 49)));
  EXPECT_EQ(shelf.learn(spread(10, 5'000), "13.0"), 10U);
  EXPECT_EQ(shelf.peers.size(), kLearnedNamesMax + 10);
  for (auto& [url, peer] : shelf.peers) peer.reached = shelf.now;
  EXPECT_EQ(shelf.learn({record_of(6'000, "n.late.org:5512")}, "14.0"), 0U);
  EXPECT_EQ(shelf.learn({record_of(6'000, "99.0.0.1:5512")}, "14.0"), 1U);
}

TEST(PeerTable, DrawsWhoGivesWay) {
  std::set<std::string> lost;
  PeerShelf full;
  for (unsigned teller = 0; teller < 10; ++teller)
    full.learn(spread(kLearnedOfTellerMax, 100 * teller, 20 + teller),
               fmt::format("12.{}", teller));
  const auto one_more = spread(1, 50'000, 90);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    PeerShelf shelf = full;
    ASSERT_EQ(shelf.learn(one_more, "13.0", seed), 1U);
    for (const auto& [url, peer] : full.peers) {
      if (!shelf.peers.contains(url)) lost.insert(url);
    }
  }
  EXPECT_GT(lost.size(), 10U);
}

TEST(PeerTable, LetsTheNewestRecordOfAKeyMoveIt) {
  PeerShelf shelf;
  shelf.learn({record_of(1, "11.0.0.1:5512")}, "12.0");
  shelf.prove("11.0.0.1:5512", 9);
  EXPECT_EQ(shelf.learn({record_of(1, "11.1.0.1:5512")}, "12.1"), 0U);  // Not newer.
  EXPECT_EQ(shelf.learn({record_of(1, "11.1.0.1:5512", kPeersNow + 1)}, "12.1"), 1U);
  ASSERT_EQ(shelf.peers.size(), 1U);
  EXPECT_TRUE(is_unproven(shelf.at("11.1.0.1:5512")));  // Nobody has answered there.
  EXPECT_EQ(shelf.at("11.1.0.1:5512").exchanges, 0U);
}

TEST(PeerTable, LetsNobodyOutOfABanByMoving) {
  PeerShelf shelf;
  shelf.learn({record_of(1, "11.0.0.1:5512")}, "12.0");
  Peer& bad = shelf.at("11.0.0.1:5512");
  bad = penalise(bad, Misdeed::broken_rule, shelf.now);
  ASSERT_FALSE(may_call(bad, shelf.now));
  ASSERT_EQ(shelf.learn({record_of(1, "11.1.0.1:5512", kPeersNow + 1)}, "12.1"), 1U);
  EXPECT_FALSE(may_call(shelf.at("11.1.0.1:5512"), shelf.now));
}

TEST(PeerTable, KeepsAPeerWhereThereIsNoRoomForItElsewhere) {
  PeerShelf shelf;
  for (unsigned i = 0; i < kLearnedOfNetworkMax; ++i)
    shelf.learn({record_of(i, place_of(11, 0, 0, i))}, fmt::format("12.{}", i));
  for (unsigned i = 0; i < kLearnedOfNetworkMax; ++i) shelf.prove(place_of(11, 0, 0, i));
  shelf.learn({record_of(90, "13.0.0.1:5512")}, "12.0");
  shelf.prove("13.0.0.1:5512");
  EXPECT_EQ(shelf.learn({record_of(90, "11.0.0.200:5512", kPeersNow + 1)}, "12.0"), 0U);
  EXPECT_FALSE(is_unproven(shelf.at("13.0.0.1:5512")));
  EXPECT_EQ(shelf.learn({record_of(90, "14.0.0.1:5512", kPeersNow + 1)}, "12.0"), 1U);
}

TEST(PeerTable, LeavesAnAddressToWhomItHas) {
  PeerShelf shelf;
  shelf.learn({record_of(1, "11.0.0.1:5512")}, "12.0");
  EXPECT_EQ(shelf.learn({record_of(2, "11.0.0.1:5512", kPeersNow + 100)}, "12.0"), 0U);
  EXPECT_EQ(shelf.at("11.0.0.1:5512").key, record_of(1, "11.0.0.1:5512").key);
}

TEST(PeerTable, NeverMovesWhatAPersonGave) {
  PeerShelf shelf;
  shelf.peers["https://11.0.0.1:5512"] = given("https://11.0.0.1:5512", 1);
  EXPECT_EQ(shelf.learn({record_of(1, "11.1.0.1:5512")}, "12.0"), 0U);
  EXPECT_EQ(shelf.peers.size(), 1U);
  EXPECT_FALSE(shelf.at("11.0.0.1:5512").record);
  shelf.learn({record_of(1, "11.0.0.1:5512")}, "12.0");  // But its own record is kept with it.
  EXPECT_TRUE(shelf.at("11.0.0.1:5512").record);
  EXPECT_EQ(shelf.at("11.0.0.1:5512").source, PeerSource::config);
}

TEST(PeerTable, ForgetsAfter14DaysWithoutAnAnswer) {
  PeerShelf shelf;
  shelf.learn(
      {record_of(1, "11.0.0.1:5512"), record_of(2, "11.1.0.1:5512"), record_of(3, "11.2.0.1:5512")},
      "12.0");
  shelf.peers["unix:/x"] = given("unix:/x", 4);
  shelf.now.value += 7 * kDay;
  shelf.prove("11.1.0.1:5512");
  Peer& banned = shelf.at("11.2.0.1:5512");
  banned.score = kBanScore;
  banned.not_before = UnixSeconds{kPeersNow + 100 * kDay};
  shelf.now.value += 7 * kDay;
  shelf.learn({}, "12.0");
  EXPECT_TRUE(shelf.has("11.0.0.1:5512"));
  shelf.now.value += 1;
  shelf.learn({}, "12.0");
  EXPECT_FALSE(shelf.has("11.0.0.1:5512"));
  EXPECT_TRUE(shelf.has("11.1.0.1:5512"));
  EXPECT_TRUE(shelf.has("11.2.0.1:5512"));
  shelf.now.value += 7 * kDay;
  shelf.learn({}, "12.0");
  EXPECT_FALSE(shelf.has("11.1.0.1:5512"));
  EXPECT_TRUE(shelf.peers.contains("unix:/x"));
}

/// Row N10: a hundred thousand records, of all kinds that a liar can make.
TEST(PeerTable, StaysSmallUnderAHundredThousandRecords) {
  PeerShelf shelf;
  shelf.own = relabel<NodeKey>(crypto::public_key_of(peer_seed(0)));
  shelf.peers["https://9.9.9.9:5512"] = given("https://9.9.9.9:5512", 70'000);
  shelf.learn({record_of(60'000, "8.8.8.8:5512")}, "8.8");
  shelf.prove("8.8.8.8:5512");
  std::vector<PeerRecord> poison;
  for (unsigned i = 0; i < 3'000; ++i)
    poison.push_back(record_of(1 + i, place_of(11 + i % 7, i % 20, i / 20, 1)));
  const PeerRecord good = poison.front();
  const PeerRecord self = record_of(0, "11.0.0.1:5512");
  for (unsigned i = 0; i < 32'000; ++i) {  // Signatures that do not matter: refused before.
    PeerRecord record = good;
    record.host_port =
        fmt::format("{}.0.{}.{}:5512", i % 2 == 0 ? 10 : 127, i / 250 % 250, i % 250);
    record.key = NodeKey::filled(static_cast<std::uint8_t>(1 + i % 200));
    poison.push_back(record);
    record.host_port = fmt::format("99.{}.0.1:{}", i % 200, i % 2 == 0 ? 22 : 25);
    poison.push_back(record);
    poison.push_back(i % 2 == 0 ? good : self);
  }
  poison.push_back(record_of(0, "11.0.0.2:5512"));
  ASSERT_GE(poison.size(), 99'000U);
  shelf.learn(poison, "66.6");
  EXPECT_EQ(count_learned(shelf), 1 + kLearnedOfTellerMax);  // All come from one source.
  for (int teller = 0; teller < 100; ++teller) {             // And then from as many as it likes.
    const auto first = poison.begin() + 30 * teller;
    shelf.learn({first, first + 30}, fmt::format("66.{}", teller));
  }
  EXPECT_GT(count_learned(shelf), kLearnedMax / 2);  // The limits below are put to the test.
  EXPECT_LE(count_learned(shelf), kLearnedMax);
  std::map<std::string, std::size_t> of_network;
  for (const Peer& peer : shelf.all()) {
    const auto network = judge_by_numbers(peer.url.substr(8));
    ASSERT_TRUE(network) << peer.url;
    EXPECT_LE(++of_network[*network], kLearnedOfNetworkMax);
    EXPECT_NE(peer.key, shelf.own);
  }
  EXPECT_TRUE(shelf.has("9.9.9.9:5512"));
  EXPECT_TRUE(shelf.has("8.8.8.8:5512"));
}

TEST(PeerTable, GivesOnlyWhatAnsweredOfLateAtThatPlace) {
  PeerShelf shelf;
  shelf.learn({record_of(1, "11.0.0.1:5512"), record_of(2, "11.1.0.1:5512")}, "12.0");
  const PeerRecord own = record_of(3, "11.2.0.1:5512");
  EXPECT_EQ(records_to_give(shelf.all(), own, shelf.now), std::vector{own});
  EXPECT_TRUE(records_to_give(shelf.all(), std::nullopt, shelf.now).empty());
  shelf.prove("11.0.0.1:5512");
  const PeerRecord one = record_of(1, "11.0.0.1:5512");
  EXPECT_EQ(records_to_give(shelf.all(), own, shelf.now), (std::vector{own, one}));
  EXPECT_EQ(records_to_give(shelf.all(), {}, UnixSeconds{kPeersNow + kDay}), std::vector{one});
  EXPECT_TRUE(records_to_give(shelf.all(), {}, UnixSeconds{kPeersNow + kDay + 1}).empty());
  Peer& peer = shelf.at("11.0.0.1:5512");
  peer.record->host_port = "11.0.0.9:5512";
  EXPECT_TRUE(records_to_give(shelf.all(), {}, shelf.now).empty());
  peer.record = one;
  peer = penalise(peer, Misdeed::broken_rule, shelf.now);
  EXPECT_TRUE(records_to_give(shelf.all(), {}, shelf.now).empty());
}

TEST(PeerTable, GivesSixtyFourTheLastReachedFirst) {
  PeerShelf shelf;
  for (const PeerRecord& record : spread(80, 0)) shelf.learn({record}, record.host_port);
  UnixSeconds time = shelf.now;
  for (auto& [url, peer] : shelf.peers) peer.reached = UnixSeconds{time.value--};
  const auto given_now = records_to_give(shelf.all(), {}, shelf.now);
  ASSERT_EQ(given_now.size(), kRecordsPerAnswerMax);
  EXPECT_EQ(url_of(given_now.front()), shelf.peers.begin()->first);
  EXPECT_LE(print_peer_records(given_now).size(), 64U * 512);
}

TEST(PeerTable, AsksAgainAfterAnHour) {
  Peer peer;
  EXPECT_TRUE(may_ask_records(peer, UnixSeconds{kPeersNow}));
  peer.records_asked = UnixSeconds{kPeersNow};
  EXPECT_FALSE(may_ask_records(peer, UnixSeconds{kPeersNow + 3'600}));
  EXPECT_TRUE(may_ask_records(peer, UnixSeconds{kPeersNow + 3'601}));
  EXPECT_TRUE(may_ask_records(peer, UnixSeconds{kPeersNow - 1}));  // The clock was put back.
}

}  // namespace
}  // namespace bmsg::node
