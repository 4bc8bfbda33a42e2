// The server with a real client and with raw bytes: round trips, order, limits, long polls, the
// end.

#include "lib/net/http_server.h"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <filesystem>
#include <thread>

#include "lib/net/http_client.h"
#include "lib/net/tcp_listener.h"
#include "tests/net/echo_server.h"
#include "tests/net/http_asking.h"
#include "tests/net/raw_client.h"
#include "tests/support/temp_dir.h"

namespace bmsg::net {
namespace {

using namespace std::chrono_literals;

TEST(HttpServer, GivesBackWhatWasPosted) {
  EchoServer server;
  HttpClient client(server.address());
  const auto answer = client.request(post("/echo", to_bytes("some bytes")), kLimits);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer.value().status, 200);
  EXPECT_EQ(as_text(answer.value().body), "some bytes");
  EXPECT_TRUE(server.last_peer().is_loopback);
  EXPECT_FALSE(server.last_peer().is_unix);
}

TEST(HttpServer, ServesAUnixSocketWithALongPathAndNamesTheCaller) {
  const TempDir dir;
  const auto deep = dir.path() / std::string(100, 'd') / std::string(100, 'e');
  std::filesystem::create_directories(deep);
  const Address address{Scheme::unix_socket, {}, 0, (deep / "node.sock").string()};
  EchoServer server({}, {Listener{.address = address, .identity = {}}});
  EXPECT_EQ(std::filesystem::status(std::filesystem::path(address.path)).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  HttpClient client(address);
  const auto answer = client.request(post("/echo", to_bytes("x")), kLimits);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(as_text(answer.value().body), "x");
  EXPECT_TRUE(server.last_peer().is_unix);
  EXPECT_EQ(server.last_peer().uid, ::getuid());
  server.server().stop(0ms);
  EXPECT_FALSE(std::filesystem::exists(address.path));
}

TEST(HttpServer, KeepsAConnectionForManyRequests) {
  EchoServer server;
  HttpClient client(server.address());
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(client.request(get("/path/" + std::to_string(i)), kLimits));
    EXPECT_EQ(server.server().connections(), 1u);
  }
}

TEST(HttpServer, AnswersAHundredPipelinedRequestsInOrder) {
  EchoServer server;
  RawClient client(server.address());
  std::string all;
  for (int i = 0; i < 100; ++i) {
    all += "GET /path/" + std::to_string(1000 + i) + " HTTP/1.1\r\nHost: a\r\n\r\n";
  }
  ASSERT_TRUE(client.send(all));
  ASSERT_TRUE(client.read_until("/path/1099", 10s));
  EXPECT_EQ(count(client.received(), "HTTP/1.1 200 OK"), 100u);
  std::size_t at = 0;
  for (int i = 0; i < 100; ++i) {
    at = client.received().find("/path/" + std::to_string(1000 + i), at);
    ASSERT_NE(at, std::string::npos) << i;
  }
}

TEST(HttpServer, ClosesAfterAnAnswerIfAskedTo) {
  EchoServer server;
  for (const char* request : {"GET /path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
                              "GET /path HTTP/1.0\r\nHost: a\r\n\r\n"}) {
    RawClient client(server.address());
    ASSERT_TRUE(client.send(request));
    EXPECT_TRUE(client.read_to_end(10s));
    EXPECT_EQ(count(client.received(), "200 OK"), 1u);
    EXPECT_EQ(count(client.received(), "Connection: close"), 1u);
  }
}

TEST(HttpServer, AnswersHeadWithTheLengthAndNoBody) {
  EchoServer server;
  RawClient client(server.address());
  ASSERT_TRUE(client.send("HEAD /path HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
  EXPECT_TRUE(client.read_to_end(10s));
  EXPECT_EQ(count(client.received(), "Content-Length: 5\r\n"), 1u);
  EXPECT_TRUE(client.received().ends_with("\r\n\r\n"));
}

TEST(HttpServer, TakesABodyOfTheLimitAndRefusesOneByteMore) {
  EchoServer server({.body_bytes_max = 100'000});
  HttpClient client(server.address());
  const auto at_limit = client.request(post("/echo", Bytes(100'000, 1)), kLimits);
  ASSERT_TRUE(at_limit) << at_limit.error().message;
  EXPECT_EQ(at_limit.value().body, Bytes(100'000, 1));
  const auto over = client.request(post("/echo", Bytes(100'001, 1)), kLimits);
  ASSERT_TRUE(over) << over.error().message;
  EXPECT_EQ(over.value().status, 413);
  EXPECT_EQ(server.requests(), 1);
}

TEST(HttpServer, TakesOtherLimitsWhileItServes) {
  EchoServer server({.body_bytes_max = 1000});
  HttpClient client(server.address());
  EXPECT_EQ(client.request(post("/echo", Bytes(1001, 1)), kLimits).value().status, 413);
  server.server().set_limits({.body_bytes_max = 1001});
  EXPECT_EQ(client.request(post("/echo", Bytes(1001, 1)), kLimits).value().status, 200);
  EXPECT_EQ(client.request(post("/echo", Bytes(1002, 1)), kLimits).value().status, 413);
}

TEST(HttpServer, TakesAHeadOfTheLimitAndRefusesOneByteMore) {
  const std::string start = "GET /path HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: ";
  for (const std::size_t extra : {0u, 1u}) {
    EchoServer server({.head_bytes_max = 1000});
    RawClient client(server.address());
    ASSERT_TRUE(
        client.send(start + std::string(1000 - start.size() - 4 + extra, 'x') + "\r\n\r\n"));
    EXPECT_TRUE(client.read_to_end(10s));
    EXPECT_EQ(client.received().substr(9, 3), extra == 0 ? "200" : "431");
  }
}

TEST(HttpServer, RefusesWhoComesWhenTheHouseIsFull) {
  EchoServer server({.connections_max = 2, .idle_deadline = 60s});
  RawClient first(server.address());
  RawClient second(server.address());
  ASSERT_TRUE(first.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_TRUE(second.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_TRUE(eventually([&] { return server.held_count() == 2; }));
  RawClient third(server.address());
  EXPECT_TRUE(third.read_to_end(10s));
  EXPECT_EQ(third.received().substr(9, 3), "503");
  server.release();
  ASSERT_TRUE(first.read_until("released", 10s));
}

TEST(HttpServer, ClosesTheOldestIdleConnectionToLetANewOneIn) {
  EchoServer server({.connections_max = 2, .idle_deadline = 60s});
  RawClient first(server.address());
  ASSERT_TRUE(first.send("GET /path HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_TRUE(first.read_until("/path", 10s));
  RawClient second(server.address());
  ASSERT_TRUE(second.send("GET /path HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_TRUE(second.read_until("/path", 10s));
  RawClient third(server.address());
  ASSERT_TRUE(third.send("GET /path HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_TRUE(third.read_until("/path", 10s));
  EXPECT_TRUE(first.read_to_end(10s));
  EXPECT_FALSE(second.is_closed());
}

TEST(HttpServer, AnswersALongPollFromAnotherThread) {
  EchoServer server;
  std::thread other([&] {
    EXPECT_TRUE(eventually([&] { return server.held_count() == 1; }));
    server.release();
  });
  HttpClient client(server.address());
  const auto answer = client.request(get("/hold"), kLimits);
  other.join();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(as_text(answer.value().body), "released");
}

TEST(HttpServer, NoticesThatALongPollersClientHasGone) {
  EchoServer server;
  RawClient client(server.address());
  ASSERT_TRUE(client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_TRUE(eventually([&] { return server.held_count() == 1; }));
  EXPECT_TRUE(server.is_awaited());
  client.hang_up();
  EXPECT_TRUE(eventually([&] { return server.server().connections() == 0; }));
  EXPECT_FALSE(server.is_awaited()) << "whoever works on it may stop";
  server.release();  // Nobody is there any more; nothing may happen.
  HttpClient next(server.address());
  EXPECT_TRUE(next.request(get("/path"), kLimits));
}

TEST(HttpServer, AnswersWhoHasClosedOnlyItsSendingHalf) {
  EchoServer server;
  RawClient client(server.address());
  ASSERT_TRUE(client.send("GET /path HTTP/1.1\r\nHost: a\r\n\r\n"));
  client.half_close();
  EXPECT_TRUE(client.read_to_end(10s));
  EXPECT_EQ(count(client.received(), "200 OK"), 1u);
}

TEST(HttpServer, Says500WhenAHandlerForgetsToAnswer) {
  EchoServer server;
  HttpClient client(server.address());
  const auto answer = client.request(get("/drop"), kLimits);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer.value().status, 500);
}

TEST(HttpServer, FinishesARequestInFlightBeforeItStops) {
  EchoServer server;
  HttpClient client(server.address());
  std::thread stopper([&] {
    EXPECT_TRUE(eventually([&] { return server.held_count() == 1; }));
    std::thread releaser([&] { server.release(); });
    server.server().stop(10s);
    releaser.join();
  });
  const auto answer = client.request(get("/hold"), kLimits);
  stopper.join();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(as_text(answer.value().body), "released");
}

TEST(HttpServer, StopsWhenTheGraceIsOverThoughARequestStillWaits) {
  EchoServer server({.tick = 10ms});
  RawClient client(server.address());
  ASSERT_TRUE(client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n"));
  ASSERT_TRUE(eventually([&] { return server.held_count() == 1; }));
  const auto start = std::chrono::steady_clock::now();
  server.server().stop(100ms);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  EXPECT_TRUE(client.read_to_end(10s));
  server.release();  // After the end: dropped.
}

TEST(HttpServer, HasDestroyedItsHandlerWhenItHasStopped) {
  const SystemClock clock;
  const auto held = std::make_shared<int>(0);
  const auto server = HttpServer::start(
      {on_loopback()}, [held](HttpRequest, Respond) {}, {}, clock);
  ASSERT_TRUE(server);
  EXPECT_EQ(held.use_count(), 2);
  server.value()->stop(0ms);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(HttpServer, RunsPostedAndDelayedWorkUntilItStops) {
  EchoServer server;
  std::atomic<int> ran = 0;
  server.server().post([&] { ran += 1; });
  server.server().run_after(1ms, [&] { ran += 10; });
  server.server().run_after(1h, [&] { ran += 100; });
  EXPECT_TRUE(eventually([&] { return ran == 11; }));
  server.server().stop(0ms);
  server.server().post([&] { ran += 1000; });
  EXPECT_EQ(ran, 11);
}

TEST(HttpServer, ServesASocketPair) {
  EchoServer server;
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
  server.server().adopt(Descriptor(ends[0]));
  const auto client = HttpClient::over(Descriptor(ends[1]), {Scheme::http, "host", 1, {}});
  const auto answer = client->request(post("/echo", to_bytes("piped")), kLimits);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(as_text(answer.value().body), "piped");
  EXPECT_EQ(server.last_peer().address, "pipe");
}

TEST(HttpServer, ListensAtASocketThatItInherits) {
  auto socket = listen_tcp({Scheme::http, "127.0.0.1", 0, {}});
  ASSERT_TRUE(socket);
  const auto port = port_of(socket.value()).value();
  Listener listener{.address = {Scheme::http, {}, 0, {}}};
  listener.inherited = socket.value().release();
  EchoServer server({}, {listener});
  EXPECT_EQ(server.address(), (Address{Scheme::http, "127.0.0.1", port, {}}));
  HttpClient client(server.address());
  EXPECT_TRUE(client.request(get("/path"), kLimits));
  listener.inherited = 0;  // Standard input, which does not listen.
  const SystemClock clock;
  EXPECT_FALSE(HttpServer::start(
      {listener}, [](HttpRequest, Respond) {}, {}, clock));
}

TEST(HttpServer, RefusesAnAddressThatIsTakenAndNamesIt) {
  EchoServer server;
  const SystemClock clock;
  const auto second = HttpServer::start(
      {Listener{.address = server.address(), .identity = {}}}, [](HttpRequest, Respond) {}, {},
      clock);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::unreachable);
  EXPECT_NE(second.error().message.find(to_string(server.address())), std::string::npos);
}

}  // namespace
}  // namespace bmsg::net
