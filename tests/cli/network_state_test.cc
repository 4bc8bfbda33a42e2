#include "cli/network_state.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace bmsg::cli {
namespace {

constexpr UnixSeconds kNow{1'800'000'000};

UnixSeconds ago(std::uint64_t seconds) { return UnixSeconds{kNow.value - seconds}; }

node::Peer answering(std::uint32_t height, std::int32_t clock_ahead = 0) {
  node::Peer peer;
  peer.last_seen = ago(10);
  peer.height = Height{height};
  peer.clock_ahead = clock_ahead;
  return peer;
}

node::Peer silent() {
  node::Peer peer = answering(100);
  peer.failures = 1;
  return peer;
}

/// At block 7, all well.
NetworkState calm() {
  return {.tip = {.height = Height{7}, .hash = {}, .work = {}, .time = ago(60)},
          .peers = {answering(7)},
          .forks = {},
          .waits_since = {},
          .interval = 600,
          .now = kNow};
}

std::vector<std::string> names(const NetworkState& state) {
  std::vector<std::string> found;
  for (const auto& one : network_attention(state)) found.push_back(one.name);
  return found;
}

using Names = std::vector<std::string>;

TEST(NetworkAttention, HasNothingToSayWhereAllIsWell) {
  EXPECT_EQ(names(calm()), Names());
  NetworkState alone = calm();
  alone.peers.clear();
  EXPECT_EQ(names(alone), Names());
}

TEST(NetworkAttention, TellsHowFarAPeerThatAnswersIsAhead) {
  NetworkState state = calm();
  state.peers = {answering(6), answering(9), silent()};
  const auto found = network_attention(state);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].name, "behind");
  EXPECT_EQ(found[0].text, "a peer is 2 blocks ahead");
  EXPECT_EQ(found[1].text, "1 peers do not answer");
}

TEST(NetworkAttention, TellsWhenNobodyAnswers) {
  NetworkState state = calm();
  state.peers = {silent(), silent()};
  const auto found = network_attention(state);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].text, "none of 2 peers answers");
}

/// Anybody on the local network can shout anything.
TEST(NetworkAttention, DoesNotMindWhatOnlyStrangersSaid) {
  NetworkState state = calm();
  for (const auto source :
       {node::PeerSource::lan, node::PeerSource::learned, node::PeerSource::dht}) {
    node::Peer forged = silent();
    forged.source = source;
    state.peers = {answering(7), forged};
    EXPECT_EQ(names(state), Names());
    state.peers = {forged};
    EXPECT_EQ(names(state), Names());
    forged.reached = ago(10);  // It was there, and nobody else is.
    state.peers = {forged};
    EXPECT_EQ(names(state), Names{"peers"});
    state.peers = {answering(7), forged};
    EXPECT_EQ(names(state), Names());
    forged.source = node::PeerSource::config;
    state.peers = {answering(7), forged};
    EXPECT_EQ(names(state), Names{"peers"});
  }
}

TEST(NetworkAttention, DoesNotMindAPeerThatWasNeverAsked) {
  NetworkState state = calm();
  state.peers = {node::Peer()};
  EXPECT_EQ(names(state), Names());
}

TEST(NetworkAttention, TellsOfAForkInPlaceOfBeingBehind) {
  NetworkState state = calm();
  state.peers = {answering(9)};
  state.forks.push_back({.tip = {}, .base = Height{2}, .depth = 5});
  const auto found = network_attention(state);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].name, "fork");
  EXPECT_NE(found[0].text.find("replace 5 blocks"), std::string::npos);
}

TEST(NetworkAttention, MindsAClockThatMostPeersSayIsWrong) {
  NetworkState state = calm();
  state.peers = {answering(7, 60), answering(7, 60), answering(7, 10'000)};
  EXPECT_EQ(names(state), Names());  // One liar, and a minute is no matter.
  state.peers = {answering(7, 0), answering(7, 61), answering(7, 61)};
  const auto behind = network_attention(state);
  ASSERT_EQ(behind.size(), 1U);
  EXPECT_EQ(behind[0].text, "this clock is 61 s behind the peers'");
  state.peers = {answering(7, -61)};
  EXPECT_EQ(network_attention(state).at(0).text, "this clock is 61 s ahead of the peers'");
  for (int i = 0; i < 3; ++i) {
    state.peers.push_back(answering(7));
    state.peers.back().url = "https://example.org/mirror";
  }
  EXPECT_EQ(names(state), Names{"clock"}) << "files have no clock";
  state.peers.resize(1);
  state.peers[0].last_seen = {};
  EXPECT_EQ(names(state), Names());
}

TEST(NetworkAttention, SuspectsPeersWhereMessagesWaitAndNoBlockComes) {
  NetworkState state = calm();
  state.tip.time = ago(3601);
  state.waits_since = ago(3601);
  EXPECT_EQ(names(state), Names{"quiet"});
  NetworkState young = state;
  young.waits_since = ago(3600);
  EXPECT_EQ(names(young), Names());
  NetworkState served = state;
  served.tip.time = ago(3600);
  EXPECT_EQ(names(served), Names());
  NetworkState alone = state;
  alone.peers = {silent()};
  EXPECT_EQ(names(alone), Names{"peers"});
}

}  // namespace
}  // namespace bmsg::cli
