// Clients that mean harm, against a real server: odd requests, slow ones, many of them.

#include <gtest/gtest.h>

#include <memory>

#include "tests/net/bad_requests.h"
#include "tests/net/echo_server.h"
#include "tests/net/http_asking.h"
#include "tests/net/raw_client.h"

namespace bmsg::net {
namespace {

using namespace std::chrono_literals;

const std::string kGet = "GET /path HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(HostileClient, GetsOneRefusalAndNeverASecondAnswerForAnOddRequest) {
  EchoServer server({.farewell = 100ms, .tick = 10ms});
  for (const BadRequest& bad : kBadRequests) {
    SCOPED_TRACE(bad.name);
    RawClient client(server.address());
    (void)client.send(bad.bytes);  // The server may close before it has all.
    EXPECT_TRUE(client.read_to_end(10s));
    EXPECT_EQ(count(client.received(), "HTTP/1.1 "), 1u);
    EXPECT_EQ(count(client.received(), "Connection: close\r\n"), 1u);
    const std::string status = client.received().substr(9, 3);
    EXPECT_TRUE(status == "400" || status == "413" || status == "431" || status == "501") << status;
  }
  EXPECT_EQ(server.requests(), 0);
}

TEST(HostileClient, GetsOneAnswerWhenItsBodyLooksLikeARequest) {
  EchoServer server;
  RawClient client(server.address());
  ASSERT_TRUE(
      client.send("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: " +
                  std::to_string(kSmuggled.size()) + "\r\n\r\n" + kSmuggled));
  EXPECT_TRUE(client.read_to_end(10s));
  EXPECT_EQ(count(client.received(), "HTTP/1.1 200"), 1u);
  EXPECT_TRUE(client.received().ends_with(kSmuggled));
  EXPECT_EQ(server.requests(), 1);
}

TEST(HostileClient, GetsNoAnswerBeyondARefusalThoughItSendsMore) {
  EchoServer server;
  RawClient client(server.address());
  ASSERT_TRUE(client.send(kGet + "GET /path HTTP/9.9\r\n\r\n" + kGet));
  EXPECT_TRUE(client.read_to_end(10s));
  EXPECT_EQ(count(client.received(), "HTTP/1.1 "), 2u);
  EXPECT_EQ(server.requests(), 1);
}

TEST(HostileClient, LearnsNothingAboutTheProgramFromAnAnswer) {
  EchoServer server;
  for (const std::string& request : {kGet, std::string("nonsense\r\n\r\n")}) {
    RawClient client(server.address());
    ASSERT_TRUE(client.send(request));
    client.half_close();
    EXPECT_TRUE(client.read_to_end(10s));
    for (const char* word : {"Server", "bmsg", "Beast", "Boost", "Date"}) {
      EXPECT_EQ(count(client.received(), word), 0u) << word;
    }
  }
}

/// Drips one byte to each of `clients` whenever `step` has passed, until all are closed.
void drip(std::vector<std::unique_ptr<RawClient>>& clients, char byte,
          const std::function<void()>& probe) {
  const std::string one(1, byte);
  std::size_t open = clients.size();
  for (int round = 0; round < 200 && open > 0; ++round) {
    open = 0;
    for (const auto& client : clients) {
      (void)client->send(one);  // Fails once the server has closed, as it should.
      (void)client->read_to_end(0ms);
      open += client->is_closed() ? 0 : 1;
    }
    probe();
    std::this_thread::sleep_for(20ms);
  }
}

class SlowClients : public testing::Test {
 protected:
  void attack(const std::string& start) {
    for (int i = 0; i < 64; ++i) {
      clients.push_back(std::make_unique<RawClient>(server.address()));
      ASSERT_TRUE(clients.back()->send(start));
    }
    HttpClient honest(server.address());
    drip(clients, 'x', [&] {
      const auto answer = honest.request(get("/path"), kLimits);
      ASSERT_TRUE(answer) << answer.error().message;
      EXPECT_EQ(answer.value().status, 200);
    });
    for (const auto& client : clients) EXPECT_TRUE(client->read_to_end(2s));
  }

  EchoServer server{{.request_deadline = 500ms, .write_deadline = 500ms, .tick = 10ms}};
  std::vector<std::unique_ptr<RawClient>> clients;
};

TEST_F(SlowClients, AreClosedWhileHeadsDripAndOthersAreServed) {
  attack("GET /path HTTP/1.1\r\nX: ");
}

TEST_F(SlowClients, AreClosedWhileBodiesDripAndOthersAreServed) {
  attack("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
}

TEST_F(SlowClients, AreClosedWhenTheySendNothing) { attack(""); }

TEST_F(SlowClients, AreClosedWhenTheyDoNotReadALongAnswer) {
  RawClient client(server.address());
  ASSERT_TRUE(client.send("GET /size?bytes=60000000 HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_TRUE(eventually([&] { return server.requests() == 1; }));
  EXPECT_TRUE(eventually([&] { return server.server().connections() == 0; }));
}

TEST(HostileClient, IsClosedWhenItIsIdleForTooLong) {
  EchoServer server({.idle_deadline = 50ms, .tick = 10ms});
  RawClient client(server.address());
  ASSERT_TRUE(client.send(kGet));
  ASSERT_TRUE(client.read_until("/path", 10s));
  EXPECT_TRUE(client.read_to_end(10s));
  EXPECT_EQ(count(client.received(), "HTTP/1.1 "), 1u);
}

TEST(HostileClient, IsToldToWaitAfterTooManyRequests) {
  EchoServer server({.rates = {.requests = 3}, .local_callers = LocalCallers::limited});
  HttpClient client(server.address());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.request(get("/path"), kLimits).value().status, 200);
  const auto refused = client.request(get("/path"), kLimits);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused.value().status, 429);
  const auto wait = find_field(refused.value().fields, "retry-after");
  ASSERT_TRUE(wait);
  EXPECT_GE(std::stoi(std::string(*wait)), 1);
  EXPECT_EQ(server.requests(), 3);
}

TEST(HostileClient, IsNotCountedOnThisMachine) {
  EchoServer server({.rates = {.connections_per_subnet = 1, .requests = 3}});
  HttpClient client(server.address());
  HttpClient another(server.address());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(client.request(get("/path"), kLimits).value().status, 200);
    EXPECT_EQ(another.request(get("/path"), kLimits).value().status, 200);
  }
}

TEST(HostileClient, GetsFourConnectionsAndNotOneMore) {
  EchoServer server({.local_callers = LocalCallers::limited});
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.address()));
    ASSERT_TRUE(clients.back()->send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
    if (i == 4) continue;
    ASSERT_TRUE(eventually([&] { return server.held_count() == clients.size(); }));
  }
  EXPECT_TRUE(clients[4]->read_to_end(10s));
  EXPECT_EQ(clients[4]->received().substr(9, 3), "503");
  server.release();
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(clients[i]->read_until("released", 10s));
}

TEST(HostileClient, LosesItsOldestIdleConnectionToANewOneAndNoneThatIsBusy) {
  EchoServer server({.local_callers = LocalCallers::limited});
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(std::make_unique<RawClient>(server.address()));
    const std::string path = i == 1 || i == 2 ? "/path" : "/hold";
    ASSERT_TRUE(clients.back()->send("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n"));
    if (path == "/path") {
      ASSERT_TRUE(clients.back()->read_until("/path", 10s));
    }
    ASSERT_TRUE(eventually([&] { return server.requests() == i + 1; }));
  }
  const auto asks = [&](RawClient& client) {
    return client.send("GET /path/new HTTP/1.1\r\nHost: a\r\n\r\n") &&
           client.read_until("/path/new", 10s);
  };
  RawClient fifth(server.address());
  EXPECT_TRUE(asks(fifth));
  EXPECT_TRUE(clients[1]->read_to_end(10s));  // Idle for longest.
  EXPECT_TRUE(asks(*clients[2]));
  EXPECT_EQ(server.server().connections(), 4u);
  server.release();
  for (const int i : {0, 3}) EXPECT_TRUE(clients[i]->read_until("released", 10s));
}

TEST(HostileClient, CannotMakeTheServerHoldMoreBodiesThanItMay) {
  EchoServer server({.body_bytes_in_all = 300'000});
  const std::string head = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n";
  RawClient first(server.address());
  ASSERT_TRUE(first.send(head + std::string(500'000, 'x')));
  EXPECT_TRUE(first.read_to_end(10s));
  EXPECT_EQ(first.received().substr(9, 3), "503");
  HttpClient next(server.address());
  EXPECT_EQ(next.request(post("/echo", Bytes(100'000)), kLimits).value().status, 200);
}

TEST(HostileClient, MayConnectAndLeaveTwoThousandTimes) {
  EchoServer server;
  for (int i = 0; i < 2000; ++i) RawClient(server.address()).hang_up();
  HttpClient client(server.address());
  EXPECT_TRUE(client.request(get("/path"), kLimits));
  EXPECT_TRUE(eventually([&] { return server.server().connections() == 1; }));
}

}  // namespace
}  // namespace bmsg::net
