// Counts by caller, with a clock that the test moves.

#include "lib/net/rate_table.h"

#include <gtest/gtest.h>

namespace bmsg::net {
namespace {

using namespace std::chrono_literals;

const Origin kAna = origin_of("198.51.100.7");
const Origin kBen = origin_of("203.0.113.9");
const RateTable::Time kStart{1000h};

/// One request from beginning to end; whether it may be answered.
bool ask(RateTable& table, const Origin& origin, RateTable::Time now, std::uint64_t bytes = 0) {
  const bool may = !table.begin_request(origin, now);
  table.end_request(origin, bytes, now);
  return may;
}

TEST(RateTable, AnswersAHundredRequestsInAWindowAndNotOneMore) {
  RateTable table({});
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(ask(table, kAna, kStart + 9s)) << i;
  EXPECT_FALSE(ask(table, kAna, kStart + 9s));
  EXPECT_TRUE(ask(table, kBen, kStart + 9s));
}

TEST(RateTable, SaysWhenTheWindowEndsAndAnswersAgainThen) {
  RateTable table({.requests = 1});
  EXPECT_TRUE(ask(table, kAna, kStart));
  EXPECT_EQ(table.begin_request(kAna, kStart + 2500ms), 8s);
  table.end_request(kAna, 0, kStart + 2500ms);
  EXPECT_FALSE(ask(table, kAna, kStart + 9999ms));
  EXPECT_TRUE(ask(table, kAna, kStart + 10s));
}

TEST(RateTable, AnswersEightRequestsAtOnceAndNotOneMore) {
  RateTable table({});
  for (int i = 0; i < 8; ++i) ASSERT_FALSE(table.begin_request(kAna, kStart)) << i;
  EXPECT_EQ(table.begin_request(kAna, kStart), 1s);
  table.end_request(kAna, 0, kStart);
  table.end_request(kAna, 0, kStart);
  EXPECT_FALSE(table.begin_request(kAna, kStart));
}

TEST(RateTable, StopsAnsweringWhoHasHadTooManyBytes) {
  RateTable table({.bytes_out = 1000});
  EXPECT_TRUE(ask(table, kAna, kStart, 999));
  EXPECT_TRUE(ask(table, kAna, kStart, 1));
  EXPECT_FALSE(ask(table, kAna, kStart + 59s));
  EXPECT_TRUE(ask(table, kAna, kStart + 60s));
}

TEST(RateTable, LetsFourConnectionsOfASubnetInAndNotOneMore) {
  RateTable table({});
  for (const char* ip : {"198.51.100.1", "198.51.100.2", "198.51.100.2", "198.51.100.255"}) {
    EXPECT_TRUE(table.enter(origin_of(ip))) << ip;
  }
  EXPECT_FALSE(table.enter(kAna));
  EXPECT_TRUE(table.enter(kBen));
  table.leave(origin_of("198.51.100.2"));
  EXPECT_TRUE(table.enter(kAna));
}

TEST(RateTable, LetsSixteenTimesAsManyOfAPrivateNetworkIn) {
  for (const char* ip : {"10.1.2.3", "172.16.0.1", "172.31.255.1", "192.168.7.7", "169.254.9.9",
                         "fc00::1", "fdff::1", "fe80::1", "febf::1", "::ffff:10.0.0.1"}) {
    RateTable table({.connections_per_subnet = 2});
    for (int i = 0; i < 32; ++i) ASSERT_TRUE(table.enter(origin_of(ip))) << ip << ' ' << i;
    EXPECT_FALSE(table.enter(origin_of(ip))) << ip;
  }
  for (const char* ip :
       {"9.1.2.3", "11.1.2.3", "172.15.0.1", "172.32.0.1", "192.169.0.1", "169.253.0.1",
        "100.64.0.1", "127.0.0.1", "fb00::1", "fe00::1", "fec0::1", "2a0a::1"}) {
    RateTable table({.connections_per_subnet = 2});
    EXPECT_TRUE(table.enter(origin_of(ip)) && table.enter(origin_of(ip))) << ip;
    EXPECT_FALSE(table.enter(origin_of(ip))) << ip;
  }
  EXPECT_FALSE(is_private(origin_of("unix")));
  EXPECT_FALSE(is_private(origin_of("0a")));
  EXPECT_EQ((RateLimits{.connections_per_subnet = SIZE_MAX}).connections_of(kAna), 1u << 20);
}

TEST(RateTable, CountsAnIpv6NetworkAsOneCallerWhateverTheHost) {
  RateTable table({.requests = 1});
  EXPECT_TRUE(ask(table, origin_of("2001:db8:1:2::1"), kStart));
  EXPECT_FALSE(ask(table, origin_of("2001:db8:1:2:ffff::9"), kStart));
  EXPECT_TRUE(ask(table, origin_of("2001:db8:1:3::1"), kStart));
}

TEST(RateTable, RemembersNoMoreCallersThanItMay) {
  RateTable table({.callers_max = 100});
  for (int i = 0; i < 1000; ++i) {
    ask(table, origin_of("10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250)),
        kStart);
  }
  EXPECT_LE(table.callers(), 100u);
}

TEST(RateTable, ForgetsQuietCallersBeforeBusyOnes) {
  RateTable table({.requests = 1, .callers_max = 2});
  ask(table, kBen, kStart);
  const auto later = kStart + 10min;
  EXPECT_TRUE(ask(table, kAna, later));
  ask(table, origin_of("192.0.2.1"), later);
  EXPECT_FALSE(ask(table, kAna, later));
}

}  // namespace
}  // namespace bmsg::net
