// SOCKS 5: the bytes, and the client behind a small proxy.

#include "lib/net/socks.h"

#include <gtest/gtest.h>

#include "lib/core/hex.h"
#include "lib/net/http_client.h"
#include "tests/net/http_asking.h"
#include "tests/net/scripted_server.h"

namespace bmsg::net {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

const std::string kGranted = "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"s;
const std::string kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

/// A proxy that is asked for one connection, grants it, and is the web server behind it too.
class FakeProxy {
 public:
  explicit FakeProxy(std::string accept = "\x05\x00"s, std::string grant = kGranted)
      : server([this, accept, grant](const ScriptedServer::Guest& guest) {
          greeting = guest.read(3);
          if (!guest.send(accept)) return;
          asked = guest.read(asked_bytes);
          if (!guest.send(grant)) return;
          http = guest.read_until("\r\n\r\n");
          (void)guest.send(kAnswer);  // The client may have had enough.
          guest.wait_for_end();
        }) {}

  Result<HttpResponse> ask(const Address& address) {
    HttpClient client(address, {.proxy = Proxy{"127.0.0.1", server.port()}});
    return client.request(get("/x"), kLimits);
  }

  std::size_t asked_bytes = 4 + 1 + 9 + 2;  // For "abc.onion".
  std::string greeting;
  std::string asked;
  std::string http;
  ScriptedServer server;
};

const Address kOnion{Scheme::http, "abc.onion", 80, {}};

TEST(Socks, AsksForLiteralsAsBytesAndForNamesAsNames) {
  EXPECT_EQ(to_hex(socks_greeting()), "050100");
  EXPECT_EQ(to_hex(socks_connect("192.0.2.1", 443)), "05010001c000020101bb");
  EXPECT_EQ(to_hex(socks_connect("2001:db8::1", 5512)),
            "0501000420010db80000000000000000000000011588");
  EXPECT_EQ(to_hex(socks_connect("a.b", 80)), "0501000303612e620050");
}

TEST(Socks, KnowsHowLongAnAnswerIs) {
  const auto bytes = [](const std::string& hex) { return socks_answer_bytes(*from_hex(hex)); };
  EXPECT_EQ(bytes("0500000100"), 10u);
  EXPECT_EQ(bytes("0500000400"), 22u);
  EXPECT_EQ(bytes("05000003ff"), 262u);
  EXPECT_EQ(bytes("0500000200"), std::nullopt);
  EXPECT_EQ(bytes("0400000100"), std::nullopt);
  EXPECT_EQ(bytes("0500010100"), std::nullopt);
  EXPECT_EQ(bytes("05000001"), std::nullopt);
}

TEST(Socks, LetsTheProxyLookTheNameUp) {
  FakeProxy proxy;
  const auto response = proxy.ask(kOnion);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(as_text(response.value().body), "hi");
  EXPECT_EQ(to_hex(as_bytes(proxy.greeting)), "050100");
  EXPECT_EQ(proxy.asked,
            "\x05\x01\x00\x03\x09"
            "abc.onion"
            "\x00\x50"s);
  EXPECT_NE(proxy.http.find("Host: abc.onion:80\r\n"), std::string::npos);
}

TEST(Socks, NeverConnectsDirectlyWhenAProxyIsSet) {
  ScriptedServer direct(always(kAnswer));
  {
    FakeProxy proxy("\x05\xff"s);
    EXPECT_FALSE(proxy.ask(direct.address()));
  }
  {
    FakeProxy proxy("\x05\x00"s, "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00"s);
    proxy.asked_bytes = 10;
    EXPECT_FALSE(proxy.ask(direct.address()));
  }
  std::uint16_t closed_port = 0;
  {
    ScriptedServer gone(always(kAnswer));
    closed_port = gone.port();
  }
  HttpClient client(direct.address(), {.proxy = Proxy{"127.0.0.1", closed_port}});
  EXPECT_FALSE(client.request(get("/"), kLimits));
  EXPECT_EQ(direct.guests(), 0);
}

TEST(Socks, NamesTheProxyThatCannotBeReached) {
  std::uint16_t closed_port = 0;
  {
    ScriptedServer gone(always(kAnswer));
    closed_port = gone.port();
  }
  HttpClient client(kOnion, {.proxy = Proxy{"127.0.0.1", closed_port}});
  const auto response = client.request(get("/"), kLimits);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::unreachable);
  EXPECT_EQ(response.error().message,
            "cannot reach http://abc.onion:80: proxy socks5h://127.0.0.1:" +
                std::to_string(closed_port) + ": Connection refused");
}

TEST(Socks, SaysWhyTheProxyRefuses) {
  for (const auto& [code, words] :
       {std::pair('\x01', "general failure"), std::pair('\x04', "host unreachable"),
        std::pair('\x06', "timed out"), std::pair('\x63', "code 99")}) {
    FakeProxy proxy("\x05\x00"s, "\x05"s + code + "\x00\x01\x00\x00\x00\x00\x00\x00"s);
    const auto response = proxy.ask(kOnion);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Errc::unreachable);
    EXPECT_NE(response.error().message.find(words), std::string::npos) << response.error().message;
  }
}

TEST(Socks, RefusesAProxyThatSpeaksSomethingElse) {
  for (const std::string& accept : {"\x05\x02"s, "\x04\x00"s, "HTTP/1.1 400\r\n"s}) {
    EXPECT_FALSE(FakeProxy(accept).ask(kOnion));
  }
  for (const std::string& grant : {"\x04\x00\x00\x01\x00"s, "\x05\x00\x00\x09\x00"s}) {
    EXPECT_FALSE(FakeProxy("\x05\x00"s, grant).ask(kOnion));
  }
}

TEST(Socks, ReadsTheNamesOfProxiesStrictly) {
  EXPECT_EQ(parse_proxy("socks5h://127.0.0.1:9050").value().port, 9050);
  for (const char* text : {"socks5://127.0.0.1:9050", "socks5h://127.0.0.1", "127.0.0.1:9050",
                           "socks5h://127.0.0.1:9050/x", "http://127.0.0.1:9050", ""}) {
    ASSERT_FALSE(parse_proxy(text)) << text;
    EXPECT_EQ(parse_proxy(text).error().code, Errc::bad_input);
  }
}

}  // namespace
}  // namespace bmsg::net
