#include "lib/net/multicast.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>

namespace bmsg::net {
namespace {

TEST(OwnNetwork, EndsWhereTheRegistriesSay) {
  for (const char* const host : {"10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255",
                                 "192.168.0.1", "169.254.0.1", "fc00::1", "fdff::1"})
    EXPECT_TRUE(is_own_network(host)) << host;
  for (const char* const host :
       {"9.255.255.255", "11.0.0.0",    "172.15.255.255", "172.32.0.0",  "192.167.0.1",
        "192.169.0.1",   "169.253.0.1", "169.255.0.1",    "127.0.0.1",   "0.0.0.0",
        "::1",           "fe80::1",     "fbff::1",        "2001:db8::1", "::ffff:10.0.0.1",
        "239.255.55.12", "ff02::5512",  "localhost",      "host",        ""})
    EXPECT_FALSE(is_own_network(host)) << host;
}

TEST(Multicast, RefusesAGroupThatIsNoAddress) {
  for (const MulticastGroup& group :
       {MulticastGroup{.v4 = "somewhere", .v6 = "ff02::9955", .port = 0},
        MulticastGroup{.v4 = "239.255.55.99", .v6 = "", .port = 0}}) {
    const auto opened = Multicast::open(group);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::bad_input);
  }
}

TEST(Multicast, WaitsUntilItIsWoken) {
  auto opened = Multicast::open({.v4 = "239.255.55.99", .v6 = "ff02::9955", .port = 0});
  ASSERT_TRUE(opened);
  opened.value()->wake();
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(opened.value()->receive(std::chrono::minutes(5)).empty());
  std::thread waker([&] { opened.value()->wake(); });
  EXPECT_TRUE(opened.value()->receive(std::chrono::minutes(5)).empty());
  waker.join();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::minutes(1));
  EXPECT_TRUE(opened.value()->receive(std::chrono::milliseconds(1)).empty());
}

TEST(Multicast, SendsFromNoAddressThatIsNotOurs) {
  auto opened = Multicast::open({.v4 = "239.255.55.99", .v6 = "ff02::9955", .port = 0});
  ASSERT_TRUE(opened);
  EXPECT_FALSE(opened.value()->send("203.0.113.9", "text"));
  EXPECT_FALSE(opened.value()->send("", "text"));
}

}  // namespace
}  // namespace bmsg::net
