// Whoever fills the table with his own nodes does not fill the places from which we see the chain.

#include "lib/node/outbound.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "lib/node/peer_book.h"
#include "tests/node/learned_peers.h"

namespace bmsg::node {
namespace {

std::set<std::string> choose(const PeerShelf& shelf, std::uint64_t seed = 1) {
  std::set<std::string> urls;
  for (const Peer& peer : choose_outbound(shelf.all(), shelf.now, seed, judge_by_numbers))
    urls.insert(peer.url);
  return urls;
}

/// So many learned peers of one teller, no two in one network.
void learn_many(PeerShelf& shelf, unsigned count, unsigned top, const std::string& by) {
  for (unsigned i = 0; i < count; ++i)
    shelf.learn({record_of(1'000 * top + i, place_of(top, i, 0, 1))}, by);
}

TEST(Outbound, CallsAllThatPeopleGave) {
  PeerShelf shelf;
  for (int i = 0; i < 20; ++i) {
    Peer peer;
    peer.url = fmt::format("http://127.0.0.1:{}", 5'000 + i);
    peer.source = i % 2 == 0 ? PeerSource::config : PeerSource::invite;
    shelf.peers[peer.url] = peer;
  }
  EXPECT_EQ(choose(shelf).size(), 20U);
}

TEST(Outbound, CallsEightOfTheLearnedOnes) {
  PeerShelf shelf;
  learn_many(shelf, 8, 20, "12.0");
  EXPECT_EQ(choose(shelf).size(), 8U);
  learn_many(shelf, 30, 21, "12.1");
  EXPECT_EQ(choose(shelf).size(), kOutboundMax);
}

TEST(Outbound, CallsOneOfANetwork) {
  PeerShelf shelf;
  for (unsigned i = 0; i < 10; ++i) shelf.learn({record_of(i, place_of(11, 0, 0, i))}, "12.0");
  EXPECT_EQ(choose(shelf).size(), 1U);
  shelf.learn({record_of(90, place_of(11, 1, 0, 1))}, "12.0");
  EXPECT_EQ(choose(shelf).size(), 2U);
}

/// Any number of domains is one person's for nothing.
TEST(Outbound, CallsTwoNamesAtMost) {
  PeerShelf shelf;
  for (unsigned i = 0; i < 100; ++i)
    shelf.learn({record_of(i, fmt::format("n.d{}.org:5512", i))}, fmt::format("12.{}", i));
  EXPECT_EQ(choose(shelf).size(), kOutboundNamesMax);
  for (unsigned i = 0; i < 100; ++i) shelf.prove(fmt::format("n.d{}.org:5512", i), 9);
  EXPECT_EQ(choose(shelf).size(), kOutboundNamesMax);  // Anchors among them.
  learn_many(shelf, 20, 20, "13.0");
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto chosen = choose(shelf, seed);
    EXPECT_EQ(chosen.size(), kOutboundMax);
    EXPECT_EQ(std::ranges::count_if(chosen,
                                    [](const std::string& url) { return is_name(url.substr(8)); }),
              kOutboundNamesMax);
  }
}

Peer neighbour(PeerSource source) {
  Peer peer;
  peer.url = fmt::format("https://10.0.0.{}:5512", static_cast<int>(source));
  peer.key = NodeKey::filled(static_cast<std::uint8_t>(source));
  peer.source = source;
  peer.added = UnixSeconds{kPeersNow};
  return peer;
}

/// It was of another network, or of nowhere.
TEST(Outbound, LeavesOutANeighbourThatIsSilentForADay) {
  PeerShelf shelf;
  Peer silent = neighbour(PeerSource::lan);
  silent.failures = 3;
  shelf.peers[silent.url] = silent;
  shelf.now.value = kPeersNow + 86'400;
  EXPECT_EQ(choose(shelf).size(), 1U);
  shelf.now.value += 1;
  EXPECT_EQ(choose(shelf).size(), 0U);
  shelf.peers[silent.url].last_seen = UnixSeconds{kPeersNow + 1};
  EXPECT_EQ(choose(shelf).size(), 1U);
  shelf.peers[silent.url] = silent;
  shelf.peers[silent.url].source = PeerSource::config;
  EXPECT_EQ(choose(shelf).size(), 1U);
}

/// Whoever is called on a chain for members is handed the chain.
TEST(Outbound, AdmitsMembersAndWhomPeopleGave) {
  std::vector<Peer> all;
  for (const auto source : {PeerSource::config, PeerSource::invite, PeerSource::learned,
                            PeerSource::lan, PeerSource::dht})
    all.push_back(neighbour(source));
  Peer keyless = neighbour(PeerSource::lan);
  keyless.key.reset();
  all.push_back(keyless);
  EXPECT_EQ(admitted(all, {}), all);
  const auto nobody = admitted(all, [](const NodeKey&) { return false; });
  EXPECT_EQ(nobody, (std::vector{all[0], all[1]}));
  const auto one = admitted(all, [&](const NodeKey& key) { return key == *all[4].key; });
  EXPECT_EQ(one, (std::vector{all[0], all[1], all[4]}));
  EXPECT_EQ(admitted(all, [](const NodeKey&) { return true; }).size(), 5U) << "no key, no member";
}

TEST(Outbound, LeavesOutWhoRestsIsBannedOrIsNotPublicAnyMore) {
  PeerShelf shelf;
  learn_many(shelf, 3, 20, "12.0");
  ASSERT_EQ(choose(shelf).size(), 3U);
  Peer& rests = shelf.at(place_of(20, 0, 0, 1));
  rests = after_failure(rests, shelf.now, "away");
  Peer& banned = shelf.at(place_of(20, 1, 0, 1));
  banned = penalise(banned, Misdeed::broken_rule, shelf.now);
  EXPECT_EQ(choose(shelf), std::set<std::string>{"https://20.2.0.1:5512"});
  Peer inside = shelf.at(place_of(20, 2, 0, 1));
  inside.url = "https://10.0.0.1:5512";
  shelf.peers[inside.url] = inside;
  EXPECT_FALSE(choose(shelf).contains(inside.url));
}

TEST(Outbound, StaysTheSameForAnHour) {
  PeerShelf shelf;
  learn_many(shelf, 60, 20, "12.0");
  shelf.now.value -= shelf.now.value % 3'600;
  const auto before = choose(shelf);
  shelf.now.value += 3'599;
  EXPECT_EQ(choose(shelf), before);
  shelf.now.value += 1;
  EXPECT_NE(choose(shelf), before);
  EXPECT_NE(choose(shelf, 2), choose(shelf, 3));
}

TEST(Outbound, PutsThoseThatAnsweredBeforeTheRest) {
  PeerShelf shelf;
  learn_many(shelf, 90, 20, "12.0");
  for (unsigned i = 0; i < 8; ++i) shelf.prove(place_of(20, i, 0, 1));
  for (const std::string& url : choose(shelf))
    EXPECT_FALSE(is_unproven(shelf.peers.at(url))) << url;
}

/// A restart draws another seed; who served longest stays.
TEST(Outbound, KeepsTwoAnchorsOverRestarts) {
  PeerShelf shelf;
  learn_many(shelf, 90, 20, "12.0");
  for (unsigned i = 0; i < 90; ++i) shelf.prove(place_of(20, i, 0, 1), 5);
  shelf.prove(place_of(20, 40, 0, 1), 7);
  shelf.prove(place_of(20, 41, 0, 1), 6);
  std::set<std::string> others;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto chosen = choose(shelf, seed);
    EXPECT_EQ(chosen.erase("https://20.40.0.1:5512"), 1U);
    EXPECT_EQ(chosen.erase("https://20.41.0.1:5512"), 1U);
    EXPECT_EQ(chosen.size(), 6U);
    others.merge(chosen);
  }
  EXPECT_GT(others.size(), 40U);
}

/// Row N15, at the table: all but one lie, and come from one source; the one is called every hour.
TEST(Outbound, CallsTheOnlyHonestOneAmongLiarsOfOneSource) {
  const std::string honest = "https://55.5.0.1:5512";
  for (const bool liars_answer : {false, true}) {
    PeerShelf shelf;
    shelf.learn({record_of(1, "55.5.0.1:5512")}, "55.5");
    learn_many(shelf, 150, 20, "66.6");
    ASSERT_EQ(shelf.peers.size(), 1 + kLearnedOfTellerMax);
    for (auto& [url, peer] : shelf.peers) {
      if (!liars_answer) continue;
      peer.reached = shelf.now;
      peer.exchanges = url == honest ? 1 : 1'000;  // They even hold both anchors.
    }
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      const auto chosen = choose(shelf, seed);
      EXPECT_TRUE(chosen.contains(honest)) << "seed " << seed;
      EXPECT_EQ(chosen.size(), kOutboundMax);
    }
  }
}

/// The same with a flood that the table is to take: the honest one has answered once.
TEST(Outbound, LosesNoProvenPeerToAFlood) {
  std::vector<PeerRecord> flood;
  for (unsigned i = 0; i < 1'500; ++i)
    flood.push_back(record_of(10 + i, place_of(20 + i / 200, i % 200, 0, 1)));
  PeerShelf shelf;
  shelf.learn({record_of(1, "55.5.0.1:5512")}, "55.5");
  shelf.prove("55.5.0.1:5512");
  for (int teller = 0; teller < 30; ++teller) {
    const auto first = flood.begin() + 50 * teller;
    shelf.learn({first, first + 50}, fmt::format("66.{}", teller));
  }
  ASSERT_EQ(shelf.peers.size(), kLearnedMax);
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    EXPECT_TRUE(choose(shelf, seed).contains("https://55.5.0.1:5512"));
}

TEST(Outbound, FeelsForThoseThatNeverAnswered) {
  PeerShelf shelf;
  const auto feel = [&](std::uint64_t seed) {
    return choose_feeler(shelf.all(), shelf.now, seed, judge_by_numbers);
  };
  EXPECT_FALSE(feel(1));
  learn_many(shelf, 4, 20, "12.0");
  shelf.prove(place_of(20, 0, 0, 1));
  Peer& rests = shelf.at(place_of(20, 1, 0, 1));
  rests = after_failure(rests, shelf.now, "away");
  std::set<std::string> felt;
  for (std::uint64_t seed = 0; seed < 40; ++seed) felt.insert(feel(seed)->url);
  EXPECT_EQ(felt, (std::set<std::string>{"https://20.2.0.1:5512", "https://20.3.0.1:5512"}));
}

}  // namespace
}  // namespace bmsg::node
