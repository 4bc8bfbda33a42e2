// A server that admits members only: who is asked for a key, who is let in, and what others get.

#include <gtest/gtest.h>

#include <mutex>
#include <set>

#include "lib/core/hex.h"
#include "lib/net/tls.h"
#include "tests/net/echo_server.h"
#include "tests/net/http_asking.h"
#include "tests/net/tls_node.h"

namespace bmsg::net {
namespace {

using namespace std::chrono_literals;

/// Whom a server admits, whom it was asked about, and whom it turned away.
class Door {
 public:
  void admit(const std::set<NodeKey>& keys) {
    const std::lock_guard lock(mutex_);
    admitted_ = keys;
  }
  ServerOptions options(ServerOptions base = {.tick = 10ms}) {
    base.admits = [this](const NodeKey& key) {
      const std::lock_guard lock(mutex_);
      ++asked_;
      return admitted_.contains(key);
    };
    base.turned_away = [this](const Peer& caller) {
      const std::lock_guard lock(mutex_);
      turned_away_.push_back(caller);
    };
    return base;
  }
  int asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  std::vector<Peer> turned_away() const {
    const std::lock_guard lock(mutex_);
    return turned_away_;
  }

 private:
  mutable std::mutex mutex_;
  std::set<NodeKey> admitted_;
  int asked_ = 0;
  std::vector<Peer> turned_away_;
};

// Of P-256, which is no node's.
constexpr std::string_view kOtherCurve = R"(-----BEGIN CERTIFICATE-----
MIIBGjCBwQIUCQ6GaUDkZ+hqjz8saA2HDHU/nRgwCgYIKoZIzj0EAwIwDzENMAsG
A1UEAwwEYm1zZzAgFw0yNjExMjgyMTU1MzBaGA8yMTI2MTEwNDIxNTUzMFowDzEN
MAsGA1UEAwwEYm1zZzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKP7gKU0Cx5C
KUBCaSHaxicDLsZKbHKSZu1zgzI2vZTHf6OSHBPrqpqAwjCwSL37PeuxWwZfLjeV
3eqDDZEVjcIwCgYIKoZIzj0EAwIDSAAwRQIgdorl2v7k0l16Bk0iRSiZydUlrR9N
c/43TdoWWxjCxiQCIQD8ax43LMFfy2txZI2VNu0YBWj3Gmpo/aICewNbm8pt1g==
-----END CERTIFICATE-----
)";
constexpr std::string_view kOtherCurveKey = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+e5EeoxCH8fGB+SR
kntn37FRZHil/272dSnDmavYzkihRANCAASj+4ClNAseQilAQmkh2sYnAy7GSmxy
kmbtc4MyNr2Ux3+jkhwT66qagMIwsEi9+z3rsVsGXy43ld3qgw2RFY3C
-----END PRIVATE KEY-----
)";

// Its last day was before its first, and its name is somebody else's.
constexpr std::string_view kExpired = R"(-----BEGIN CERTIFICATE-----
MIHcMIGPAhRgBYjc6mYWtGo684PtC1ROcBChvDAFBgMrZXAwETEPMA0GA1UEAwwG
bm9ib2R5MB4XDTI2MTEyODIxNTUzMFoXDTI2MTEyNzIxNTUzMFowETEPMA0GA1UE
AwwGbm9ib2R5MCowBQYDK2VwAyEAoTEmUechZg0/lUUM2Ifs2RwOduE79d6VSmMu
1JScplcwBQYDK2VwA0EAyQeD4Qj2ns5dstWBfMF7rtTSiunoM9WdXmvOM1z9XwdR
TZsXxuf4MA5OMKT5Nmq/FSoycfYosF4GUQ3qlWFHAw==
-----END CERTIFICATE-----
)";
constexpr std::string_view kExpiredKey = R"(-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIC4CIvhnYUYHaLS++huLA/T9AsJ4nD5H938QQ/P7Oykq
-----END PRIVATE KEY-----
)";

std::shared_ptr<TlsIdentity> identity_from(std::string_view certificate, std::string_view key) {
  return TlsIdentity::load(certificate, as_bytes(key)).value();
}

class Admission : public testing::Test {
 protected:
  Result<HttpResponse> ask(const std::shared_ptr<TlsIdentity>& shown,
                           const std::string& path = "/path") {
    HttpClient client(server.address(), {.expected_key = ana.key, .identity = shown});
    return client.request(get(path), kLimits);
  }

  Node ana{1};
  Node ben{2};
  Node eve{3};
  Door door;
  EchoServer server{door.options(), {tls_on_loopback(ana)}};
};

TEST_F(Admission, LetsAMemberInAndTellsTheHandlerWhoItIs) {
  door.admit({ben.key});
  const auto answer = ask(ben.identity);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer.value().status, 200);
  EXPECT_EQ(server.last_peer().key, ben.key);
  EXPECT_TRUE(door.turned_away().empty());
}

TEST_F(Admission, TurnsAStrangerAwayWhateverHeAsks) {
  door.admit({ben.key});
  std::set<std::string> told;
  for (const char* path : {"/path", "/echo", "/nothing", "/"}) {
    const auto answer = ask(eve.identity, path);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::denied);
    EXPECT_NE(answer.error().message.find(to_hex(eve.key.view())), std::string::npos);
    EXPECT_FALSE(answer.error().hint.empty());
    told.insert(answer.error().message);
  }
  EXPECT_EQ(told.size(), 1u);
  EXPECT_EQ(server.requests(), 0);
  ASSERT_TRUE(eventually([&] { return door.turned_away().size() == 4; }));
  EXPECT_EQ(door.turned_away().front().key, eve.key);
  EXPECT_EQ(door.turned_away().front().address, "127.0.0.1");
}

TEST_F(Admission, TurnsAwayWhoShowsNothing) {
  door.admit({ben.key});
  const auto answer = ask(nullptr);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::denied) << answer.error().message;
  EXPECT_EQ(server.requests(), 0);
  ASSERT_TRUE(eventually([&] { return door.turned_away().size() == 1; }));
  EXPECT_EQ(door.turned_away().front().key, std::nullopt);
}

TEST_F(Admission, TurnsAwayAKeyOfAnotherCurve) {
  const auto answer = ask(identity_from(kOtherCurve, kOtherCurveKey));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::denied) << answer.error().message;
  EXPECT_EQ(server.requests(), 0);
  EXPECT_TRUE(eventually([&] { return door.turned_away().size() == 1; }));
}

TEST_F(Admission, LooksAtTheKeyAloneAndNotAtDatesAndNames) {
  const auto expired = identity_from(kExpired, kExpiredKey);
  ASSERT_TRUE(expired->key());
  EXPECT_FALSE(ask(expired));
  door.admit({*expired->key()});
  const auto answer = ask(expired);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(server.last_peer().key, expired->key());
}

TEST_F(Admission, IsNotAskedForWhereEverybodyMayCome) {
  EchoServer open(ServerOptions{.tick = 10ms}, {tls_on_loopback(ana)});
  HttpClient client(open.address(), {.identity = ben.identity});
  ASSERT_TRUE(client.request(get("/path"), kLimits));
  EXPECT_EQ(open.last_peer().key, std::nullopt);
}

TEST_F(Admission, IsSoughtOnlyFromTheNodeThatIsMeant) {
  door.admit({ben.key});
  HttpClient lured(server.address(), {.expected_key = eve.key, .identity = ben.identity});
  for (int i = 0; i < 2; ++i) {
    const auto refused = lured.request(get("/path"), kLimits);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::denied);
  }
  ASSERT_TRUE(eventually([&] { return server.server().connections() == 0; }));
  EXPECT_EQ(door.asked(), 0);  // Ben's key never came.
  EXPECT_TRUE(door.turned_away().empty());
  ASSERT_TRUE(ask(ben.identity));
  EXPECT_GE(door.asked(), 1);
}

TEST_F(Admission, EndsForConnectionsThatAreOpenWhenTheKeyIsTakenOut) {
  door.admit({ben.key, eve.key});
  HttpClient stays(server.address(), {.identity = ben.identity});
  HttpClient goes(server.address(), {.identity = eve.identity});
  ASSERT_TRUE(stays.request(get("/path"), kLimits));
  ASSERT_TRUE(goes.request(get("/path"), kLimits));
  EXPECT_EQ(server.server().connections(), 2u);
  door.admit({ben.key});
  server.server().set_limits(door.options());
  ASSERT_TRUE(eventually([&] { return server.server().connections() == 1; }));
  EXPECT_TRUE(stays.request(get("/path"), kLimits));
  EXPECT_EQ(goes.request(get("/path"), kLimits).error().code, Errc::denied);
}

TEST_F(Admission, EndsForAnAnswerThatIsStillWaitedFor) {
  door.admit({eve.key});
  std::thread waiting([&] { EXPECT_FALSE(ask(eve.identity, "/hold")); });
  EXPECT_TRUE(eventually([&] { return server.held_count() == 1; }));
  door.admit({});
  server.server().set_limits(door.options());
  waiting.join();
  server.release();  // After the end: dropped.
}

TEST_F(Admission, CostsAStrangerARequestForEachTry) {
  Door guarded;
  EchoServer busy(
      guarded.options(
          {.rates = {.requests = 3}, .local_callers = LocalCallers::limited, .tick = 10ms}),
      {tls_on_loopback(ana)});
  const auto knock = [&] {
    HttpClient client(busy.address(), {.identity = eve.identity});
    return client.request(get("/path"), kLimits).error().code;
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(knock(), Errc::denied);
  EXPECT_NE(knock(), Errc::denied);  // Closed before a handshake.
  EXPECT_TRUE(eventually([&] { return guarded.turned_away().size() >= 3; }));
  EXPECT_EQ(guarded.turned_away().size(), 3u);
}

}  // namespace
}  // namespace bmsg::net
