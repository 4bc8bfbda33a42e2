// Addresses as text.

#include "lib/net/address.h"

#include <gtest/gtest.h>

namespace bmsg::net {
namespace {

TEST(Address, WritesBackWhatItReads) {
  for (const char* text :
       {"http://127.0.0.1:5512", "https://example.org:443", "https://example.org/a/b%20c",
        "https://example.org/", "http://[::1]/x", "http://localhost:443/x", "https://[::1]:80/x",
        "http://[::1]:80", "https://[2001:db8::1]:5512/x", "unix:/run/bmsg/node.sock",
        "unix:node.sock", "http://abc.onion:80", "https://1.example:65535", "http://a-b.c:0",
        "ssh://host/srv/bmsg", "ssh://ana@host:2222/srv/a b'c", "ssh://[::1]/~/.bmsg",
        "ssh://h/d/"}) {
    const auto address = parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(to_string(address.value()), text);
  }
}

TEST(Address, HasOneSpellingForOnePlace) {
  EXPECT_EQ(to_string(parse_address("https://Example.ORG:443/").value()),
            "https://example.org:443");
  EXPECT_EQ(to_string(parse_address("http://[0:0::0001]:80").value()), "http://[::1]:80");
  EXPECT_EQ(to_string(parse_address("https://example.org:443/a/").value()),
            "https://example.org/a");
  EXPECT_EQ(parse_address("http://[::1]:80/a").value(), parse_address("http://[0::1]/a/").value());
}

TEST(Address, IsAMirrorsIfItHasAPath) {
  for (const char* text : {"https://example.org/", "https://example.org/a",
                           "https://a.org:8443/a/b", "http://127.0.0.1:80/a"}) {
    EXPECT_TRUE(is_mirror(parse_address(text).value())) << text;
  }
  for (const char* text : {"https://example.org:443", "https://example.org:443/", "unix:/a/b"}) {
    EXPECT_FALSE(is_mirror(parse_address(text).value())) << text;
  }
}

TEST(Address, NamesTheHostAsWebServersDo) {
  const auto field = [](const char* text) { return host_field(parse_address(text).value()); };
  EXPECT_EQ(field("https://example.org/a"), "example.org");
  EXPECT_EQ(field("https://example.org:443"), "example.org:443");
  EXPECT_EQ(field("https://example.org:80/a"), "example.org:80");
  EXPECT_EQ(field("http://[::1]/a"), "[::1]");
  EXPECT_EQ(field("http://[::1]:5512"), "[::1]:5512");
}

TEST(Address, RefusesWhatIsNoAddress) {
  for (const char* text : {"",
                           "example.org:5512",
                           "ftp://example.org:21",
                           "HTTP://example.org:80",
                           "http://example.org",
                           "http:///a",
                           "http://example.org//",
                           "http://example.org/./",
                           "http://user@example.org/",
                           "http://example.org:",
                           "http://example.org:65536",
                           "http://example.org:+80",
                           "http://example.org:080000",
                           "http://:80",
                           "http://user@example.org:80",
                           "http://example.org:80?q",
                           "http://example.org:80/#f",
                           "http://example.org:80/../x",
                           "http://example.org:80/a//b",
                           "http://example.org:80/a b",
                           "http://exa mple.org:80",
                           "http://example..org:80",
                           "http://-example.org:80",
                           "http://example.org.:80",
                           "http://127.1:80",
                           "http://2130706433:80",
                           "http://0x7f.0.0.1:80",
                           "http://127.0.0.0x1:80",
                           "http://127.0.0.01:80",
                           "http://256.0.0.1:80",
                           "http://::1:80",
                           "http://[::1]",
                           "http://[::1%lo]:80",
                           "http://[127.0.0.1]:80",
                           "ssh://host",
                           "ssh://host/",
                           "ssh:///dir",
                           "ssh://-oProxyCommand=x/dir",
                           "ssh://-l@host/dir",
                           "ssh://@host/dir",
                           "ssh://a b@host/dir",
                           "ssh://host:0/dir",
                           "ssh://host:/dir",
                           "ssh://host/a\nb",
                           "unix:"}) {
    const auto address = parse_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, Errc::bad_input);
  }
}

TEST(Address, RefusesWhatIsHiddenBehindAZeroByte) {
  using namespace std::string_view_literals;
  EXPECT_TRUE(parse_address("http://127.0.0.1:80"));
  for (const auto text : {"http://127.0.0.1\0:80"sv, "http://127.0.0.1\0.example.org:80"sv,
                          "http://[::1\0]:80"sv, "http://[::1\0::2]:80"sv})
    EXPECT_FALSE(parse_address(text)) << text;
  EXPECT_FALSE(is_loopback("127.0.0.1\0.example.org"sv));
  EXPECT_FALSE(is_literal("127.0.0.1\0"sv));
}

TEST(Address, KnowsThisMachine) {
  for (const char* host : {"127.0.0.1", "127.255.0.9", "::1", "localhost", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(is_loopback(host)) << host;
  }
  for (const char* host : {"128.0.0.1", "0.0.0.0", "::", "::2", "localhost.org", "example.org"}) {
    EXPECT_FALSE(is_loopback(host)) << host;
  }
}

TEST(Address, KnowsWhatTheWholeInternetCanReach) {
  for (const char* host :
       {"1.1.1.1", "172.15.0.1", "172.32.0.1", "192.167.0.1", "223.255.255.255", "100.63.0.1",
        "100.128.0.1", "2001:200::1", "3fff:1000::1", "2606:4700::1", "2001:4860::8888"}) {
    EXPECT_TRUE(is_public(host)) << host;
  }
  for (const char* host : {"10.0.0.1",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.168.1.1",
                           "169.254.169.254",
                           "127.0.0.1",
                           "0.0.0.0",
                           "224.0.0.1",
                           "255.255.255.255",
                           "100.64.0.1",
                           "::1",
                           "::",
                           "fe80::1",
                           "fd00::1",
                           "ff02::1",
                           "::ffff:10.0.0.1",
                           "2002:7f00:1::",
                           "2001:0:1::1",
                           "64:ff9b::7f00:1",
                           "::ffff:11.0.0.1",
                           "2001:1ff::1",
                           "2001:db8::1",
                           "3fff:fff::1",
                           "192.0.2.1",
                           "198.51.100.1",
                           "203.0.113.1",
                           "192.88.99.1",
                           "example.org",
                           "localhost"}) {
    EXPECT_FALSE(is_public(host)) << host;
  }
}

TEST(Address, TellsTheNetworkAroundAHost) {
  EXPECT_EQ(network_of("11.1.2.3"), "11.1.0.0/16");
  EXPECT_EQ(network_of("::ffff:11.1.2.3"), "11.1.0.0/16");
  EXPECT_EQ(network_of("2a01:db7:5::1"), "2a01:db7::/32");
  EXPECT_EQ(network_of("2a01::1"), "2a01:0::/32");
  EXPECT_EQ(network_of("a.b.example.org"), "example.org");
  EXPECT_EQ(network_of("example.org"), "example.org");
  EXPECT_EQ(network_of("org"), "org");
  EXPECT_EQ(network_of("abc.onion"), "onion");
  EXPECT_EQ(network_of("x.def.onion"), "onion");
}

TEST(Address, AllowsPlainHttpOnlyWhereNobodyListensIn) {
  for (const char* text : {"https://example.org:5512", "http://127.0.0.1:5512", "http://[::1]:80",
                           "http://localhost:80", "http://abc.onion:80", "unix:/a"}) {
    EXPECT_TRUE(is_allowed_peer(parse_address(text).value())) << text;
  }
  for (const char* text : {"http://example.org:80", "http://192.168.1.1:80",
                           "http://abc.onion.org:80", "http://[2001:db8::1]:80"}) {
    EXPECT_FALSE(is_allowed_peer(parse_address(text).value())) << text;
  }
}

TEST(Address, CountsNeighboursTogether) {
  EXPECT_EQ(origin_of("192.0.2.1").subnet, origin_of("192.0.2.255").subnet);
  EXPECT_NE(origin_of("192.0.2.1").caller, origin_of("192.0.2.255").caller);
  EXPECT_NE(origin_of("192.0.2.1").subnet, origin_of("192.0.3.1").subnet);
  EXPECT_EQ(origin_of("::ffff:192.0.2.1"), origin_of("192.0.2.1"));
  EXPECT_EQ(origin_of("2001:db8:1:2::1").caller, origin_of("2001:db8:1:2:3::1").caller);
  EXPECT_NE(origin_of("2001:db8:1:2::1").caller, origin_of("2001:db8:1:3::1").caller);
  EXPECT_EQ(origin_of("2001:db8:1:2::1").subnet, origin_of("2001:db8:1:3::1").subnet);
}

}  // namespace
}  // namespace bmsg::net
