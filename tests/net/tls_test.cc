// TLS by node keys: pinned, first seen, changed, and nothing older than 1.3.

#include "lib/net/tls.h"

#include <gtest/gtest.h>

#include "lib/core/hex.h"
#include "lib/crypto/certificate.h"
#include "tests/net/echo_server.h"
#include "tests/net/http_asking.h"
#include "tests/net/raw_client.h"
#include "tests/net/scripted_server.h"
#include "tests/net/tls_node.h"

namespace bmsg::net {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

class Tls : public testing::Test {
 protected:
  Node ana{1};
  Node ben{2};
  EchoServer server{ServerOptions{.tick = 10ms}, {tls_on_loopback(ana)}};
};

TEST_F(Tls, ReachesTheNodeWhoseKeyIsPinned) {
  HttpClient client(server.address(), {.expected_key = ana.key});
  for (int i = 0; i < 3; ++i) {
    const auto response = client.request(post("/echo", Bytes(200'000, 7)), kLimits);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response.value().body, Bytes(200'000, 7));
  }
  EXPECT_EQ(server.server().connections(), 1u);
}

TEST_F(Tls, RefusesANodeWithAnotherKeyBeforeAnythingIsAsked) {
  HttpClient client(server.address(), {.expected_key = ben.key});
  const auto response = client.request(get("/path"), kLimits);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::denied);
  EXPECT_EQ(client.peer_key(), std::nullopt);  // It has proved nothing.
  EXPECT_NE(response.error().message.find(to_hex(ana.key.view())), std::string::npos);
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(Tls, TellsTheKeyThatItSawFirst) {
  HttpClient client(server.address());
  ASSERT_TRUE(client.request(get("/path"), kLimits));
  EXPECT_EQ(client.peer_key(), ana.key);
}

TEST_F(Tls, IsNotTrustedByAuthorities) {
  HttpClient client(server.address(), {.judge = Judge::authorities});
  const auto response = client.request(get("/path"), kLimits);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::protocol);
  EXPECT_NE(response.error().message.find("TLS: its certificate: self-signed"), std::string::npos)
      << response.error().message;
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(Tls, AnswersNothingInPlain) {
  RawClient client(server.address());
  ASSERT_TRUE(client.send("GET /path HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_TRUE(client.read_to_end(10s));
  EXPECT_EQ(count(client.received(), "HTTP"), 0u);
  EXPECT_EQ(server.requests(), 0);
}

TEST_F(Tls, ClosesAHandshakeThatDrips) {
  EchoServer slow({.request_deadline = 100ms, .tick = 10ms}, {tls_on_loopback(ana)});
  RawClient client(slow.address());
  ASSERT_TRUE(client.send("\x16\x03\x01"s));
  EXPECT_TRUE(client.read_to_end(10s));
}

/// A ClientHello that offers TLS 1.2 alone, with all else that our server could wish for.
std::string tls12_hello() {
  const std::string extensions = "\x00\x0a\x00\x04\x00\x02\x00\x1d"s +         // X25519.
                                 "\x00\x0d\x00\x06\x00\x04\x08\x07\x04\x03"s;  // Ed25519, ECDSA.
  const std::string body = "\x03\x03"s + std::string(32, 'r') + "\x00"s + "\x00\x02\xc0\x2b"s +
                           "\x01\x00\x00"s + static_cast<char>(extensions.size()) + extensions;
  const auto size = static_cast<char>(body.size());
  return "\x16\x03\x01\x00"s + static_cast<char>(size + 4) + "\x01\x00\x00"s + size + body;
}

TEST_F(Tls, RefusesAClientThatKnowsOnlyVersion12) {
  RawClient client(server.address());
  ASSERT_TRUE(client.send(tls12_hello()));
  EXPECT_TRUE(client.read_to_end(10s));
  // An alert record, fatal, protocol_version (RFC 8446, section 6).
  ASSERT_EQ(client.received().size(), 7u);
  EXPECT_EQ(client.received()[0], '\x15');
  EXPECT_EQ(client.received().substr(5), "\x02\x46"s);
}

TEST_F(Tls, OffersNothingOlderThanVersion13) {
  std::string hello;
  {
    ScriptedServer old([&hello](const ScriptedServer::Guest& guest) {
      const std::string record = guest.read(5);
      hello = guest.read(static_cast<std::uint8_t>(record[3]) * 256u +
                         static_cast<std::uint8_t>(record[4]));
    });
    HttpClient client(old.address(Scheme::https));
    const auto response = client.request(get("/"), kLimits);
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Errc::unreachable);  // It closed; nothing wrong was said.
  }
  // supported_versions (43): three bytes, a list of two, 0304.
  EXPECT_EQ(count(hello, "\x00\x2b\x00\x03\x02\x03\x04"s), 1u);
  EXPECT_EQ(count(hello, "127.0.0.1"), 0u);
}

TEST_F(Tls, RefusesAServerThatSpeaksSomethingElse) {
  ScriptedServer plain([](const ScriptedServer::Guest& guest) {
    (void)guest.send("HTTP/1.1 400 Bad Request\r\n\r\n");  // The client may have had enough.
    guest.wait_for_end();
  });
  HttpClient client(plain.address(Scheme::https));
  const auto response = client.request(get("/"), kLimits);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::protocol);
}

TEST_F(Tls, LoadsNoIdentityThatIsBrokenOrMixed) {
  const auto one = crypto::make_certificate(crypto::SecretBytes::from(Bytes(32, 1))).value();
  const auto other = crypto::make_certificate(crypto::SecretBytes::from(Bytes(32, 2))).value();
  EXPECT_TRUE(TlsIdentity::load(one.certificate_pem, one.private_key_pem.view()));
  EXPECT_FALSE(TlsIdentity::load(one.certificate_pem, other.private_key_pem.view()));
  EXPECT_FALSE(TlsIdentity::load("", one.private_key_pem.view()));
  EXPECT_FALSE(TlsIdentity::load(one.certificate_pem, Bytes()));
  EXPECT_FALSE(TlsIdentity::load("nonsense", one.private_key_pem.view()));
}

TEST(HttpServer, NeedsACertificateForHttpsAndOnlyThere) {
  const SystemClock clock;
  const Node node(1);
  for (const Listener& listener :
       {Listener{.address = {Scheme::https, "127.0.0.1", 0, {}}},
        Listener{.address = {Scheme::http, "127.0.0.1", 0, {}}, .identity = node.identity}}) {
    const auto started = HttpServer::start(
        {listener}, [](HttpRequest, Respond) {}, {}, clock);
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::bad_input);
  }
}

}  // namespace
}  // namespace bmsg::net
