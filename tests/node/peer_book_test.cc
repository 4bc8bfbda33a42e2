#include "lib/node/peer_book.h"

#include <gtest/gtest.h>

#include <string>

#include "lib/node/sync_session.h"

namespace bmsg::node {
namespace {

constexpr std::uint64_t kNow = 1'767'225'600;

UnixSeconds after(std::uint64_t seconds) { return UnixSeconds{kNow + seconds}; }

Peer fresh() {
  Peer peer;
  peer.url = "http://192.0.2.1:5512";
  peer.added = after(0);
  return peer;
}

TEST(PeerBook, ANewPeerMayBeCalled) { EXPECT_TRUE(may_call(fresh(), after(0))); }

TEST(PeerBook, SuccessKeepsWhatWasSeen) {
  Peer peer = after_failure(fresh(), after(0), "away");
  peer = after_success(peer, after(60), {std::chrono::milliseconds(84), Height{7}, -90});
  EXPECT_EQ(peer.failures, 0U);
  EXPECT_EQ(peer.last_error, "");
  EXPECT_EQ(peer.last_seen, after(60));
  EXPECT_EQ(peer.height, Height{7});
  EXPECT_EQ(peer.latency_ms, 84U);
  EXPECT_EQ(peer.clock_ahead, -90);
  EXPECT_TRUE(may_call(peer, after(60)));
}

TEST(PeerBook, TakesNoClockAtItsWord) {
  EXPECT_EQ(clock_difference(after(0), after(90)), -90);
  const std::int64_t absurd = clock_difference(UnixSeconds{UINT64_MAX}, after(0));
  EXPECT_GT(absurd, INT32_MAX);
  EXPECT_EQ(after_success(fresh(), after(0), {{}, Height{1}, absurd}).clock_ahead, INT32_MAX);
  EXPECT_EQ(after_success(fresh(), after(0), {{}, Height{1}, -absurd}).clock_ahead, INT32_MIN);
}

TEST(PeerBook, WaitsTwiceAsLongAfterEachFailureUpToAnHour) {
  Peer peer = fresh();
  std::uint64_t now = 0;
  for (const std::uint64_t wait : {30, 60, 120, 240, 480, 960, 1'920, 3'600, 3'600, 3'600}) {
    peer = after_failure(peer, after(now), "away");
    EXPECT_FALSE(may_call(peer, after(now + wait - 1))) << wait;
    EXPECT_TRUE(may_call(peer, after(now + wait))) << wait;
    now += wait;
  }
  peer.failures = UINT32_MAX - 1;
  peer = after_failure(peer, after(now), "away");
  EXPECT_EQ(peer.not_before, after(now + 3'600));
}

// A machine without a clock of its own begins in any year.
TEST(PeerBook, CallsWhomAClockThatWasAheadPutOff) {
  Peer peer = after_failure(fresh(), after(1'000'000), "away");
  EXPECT_TRUE(may_call(peer, after(0)));
  peer.not_before = after(3'600);
  EXPECT_FALSE(may_call(peer, after(0)));
  peer.not_before = after(3'601);
  EXPECT_TRUE(may_call(peer, after(0)));
  peer.score = kBanScore;
  EXPECT_FALSE(may_call(peer, after(0)));
}

TEST(PeerBook, CutsWhatAStrangerSays) {
  const Peer peer = after_failure(fresh(), after(0), std::string(10'000, 'x'));
  EXPECT_EQ(peer.last_error.size(), kPeerErrorBytesMax);
}

TEST(PeerBook, BansAtAHundredPointsForADay) {
  Peer peer = fresh();
  for (int i = 0; i < 3; ++i) peer = penalise(peer, Misdeed::false_claim, after(0));
  peer.score += 24;
  EXPECT_EQ(peer.score, 99U);
  EXPECT_TRUE(may_call(peer, after(0)));
  ++peer.score;  // One is enough, whatever it is for.
  peer = penalise(peer, Misdeed{0}, after(0));
  EXPECT_EQ(peer.score, 100U);
  EXPECT_FALSE(may_call(peer, after(86'399)));
  EXPECT_TRUE(may_call(peer, after(86'400)));
}

TEST(PeerBook, ABrokenRuleBansAtOnce) {
  EXPECT_EQ(penalise(fresh(), Misdeed::broken_rule, after(0)).not_before, after(86'400));
}

TEST(PeerBook, ScoresFallByOneAMinute) {
  const Peer bad = penalise(fresh(), Misdeed::false_claim, after(0));
  ASSERT_EQ(bad.score, 25U);
  const auto success_at = [&](std::uint64_t seconds) {
    return after_success(bad, after(seconds), {{}, Height{1}}).score;
  };
  EXPECT_EQ(success_at(59), 25U);
  EXPECT_EQ(success_at(60), 24U);
  EXPECT_EQ(success_at(1'499), 1U);
  EXPECT_EQ(success_at(1'500), 0U);
  EXPECT_EQ(success_at(1'000'000), 0U);
  EXPECT_EQ(penalise(bad, Misdeed::false_claim, after(120)).score, 48U);
}

TEST(PeerBook, ACallThatSucceedsDoesNotEndABan) {
  Peer peer = penalise(fresh(), Misdeed::broken_rule, after(0));
  peer = after_success(peer, after(3'600), {{}, Height{1}});
  EXPECT_FALSE(may_call(peer, after(86'399)));
  EXPECT_EQ(peer.score, 100U);
  peer = after_success(peer, after(86'400), {{}, Height{1}});
  EXPECT_TRUE(may_call(peer, after(86'400)));
  EXPECT_LT(peer.score, 100U);
}

TEST(PeerBook, AFailureDoesNotShortenABan) {
  Peer peer = penalise(fresh(), Misdeed::broken_rule, after(0));
  peer = after_failure(peer, after(10), "away");
  EXPECT_FALSE(may_call(peer, after(86'399)));
}

TEST(PeerBook, AClockThatWentBackForgivesNothing) {
  const Peer bad = penalise(fresh(), Misdeed::false_claim, after(1'000));
  EXPECT_EQ(after_success(bad, after(0), {{}, Height{1}}).score, 25U);
}

TEST(PeerBook, KeepsCursorsForAnHourFromWhenBothPoolsWereReadWhole) {
  Peer peer = fresh();
  SyncOptions first;
  use_cursors(peer, first, after(0));
  EXPECT_TRUE(first.cursor.empty() && first.own_cursor.empty());
  SyncReport report;
  report.cursor = "aa.1";
  report.own_cursor = "5";
  keep_cursors(peer, first, report, after(0));

  SyncOptions second;
  use_cursors(peer, second, after(3'599));
  EXPECT_EQ(second.cursor, "aa.1");
  EXPECT_EQ(second.own_cursor, "5");
  report.cursor = "aa.2";
  keep_cursors(peer, second, report, after(3'599));
  EXPECT_EQ(peer.cursor, "aa.2");
  EXPECT_EQ(peer.cursors_since, after(0)) << "it would never be read whole again";

  SyncOptions third;
  use_cursors(peer, third, after(3'600));
  EXPECT_TRUE(third.cursor.empty() && third.own_cursor.empty());
  keep_cursors(peer, third, report, after(3'600));
  EXPECT_EQ(peer.cursors_since, after(3'600));
}

TEST(PeerBook, UsesNoCursorsOfALaterTime) {
  Peer peer = fresh();
  peer.cursor = "aa.1";
  peer.cursors_since = after(1);
  SyncOptions options;
  use_cursors(peer, options, after(0));
  EXPECT_TRUE(options.cursor.empty());
}

}  // namespace
}  // namespace bmsg::node
