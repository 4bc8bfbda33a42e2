// Connections that stay open, with clients that keep the rules: both kinds, what they say to each
// other, their end, how much they hold.

#include "lib/net/channel.h"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <sys/resource.h>
#include <thread>

#include "lib/net/unix_socket.h"
#include "tests/net/http_asking.h"
#include "tests/net/tls_node.h"
#include "tests/net/web_socket_client.h"
#include "tests/support/heap.h"
#include "tests/support/temp_dir.h"

namespace bmsg::net {
namespace {

using namespace std::chrono_literals;

/// Time that a test moves while a server looks at it.
class MovedClock final : public Clock {
 public:
  UnixSeconds now() const override { return UnixSeconds{1'767'225'660}; }
  std::chrono::steady_clock::time_point steady() const override {
    return std::chrono::steady_clock::time_point(std::chrono::seconds(seconds_.load()));
  }
  void advance(int seconds) { seconds_ += seconds; }

 private:
  std::atomic<int> seconds_ = 1'000'000;
};

/// For a clock that jumps: nothing is late but what a test is about.
const ServerOptions kPatientOptions{
    .request_deadline = 24h, .write_deadline = 24h, .farewell = 24h, .tick = 1ms};

std::shared_ptr<const std::string> shared_text(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

TEST(Channel, IsAWebSocketThatTalksBothWays) {
  EventHub hub;
  WebSocketClient client(hub.address());
  ASSERT_TRUE(client.is_open()) << client.head();
  EXPECT_EQ(client.head(),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Accept: " +
                std::string(kAccept) + "\r\nX-Ours: kept\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return hub.opened() == 1; }));
  hub.send(0, "unasked");
  EXPECT_EQ(client.hear(), "unasked");
  for (const std::size_t size : {0u, 1u, 125u, 126u, 511u, 512u, 513u, 65535u, 65536u, 300000u}) {
    const std::string text(size, 'x');
    ASSERT_TRUE(client.say(text));
    EXPECT_EQ(client.hear(), text) << size;
  }
  EXPECT_EQ(hub.server().connections(), 1u);
}

TEST(Channel, TakesAHandshakeInOtherWords) {
  EventHub hub;
  for (const char* lines : {"Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n",
                            "UPGRADE: WebSocket\r\nconnection: UPGRADE\r\n",
                            "Upgrade: h2c\r\nUpgrade: websocket\r\nConnection: Upgrade,x\r\n"}) {
    RawClient client(hub.address());
    ASSERT_TRUE(
        client.send(fmt::format("GET /socket?a=b HTTP/1.1\r\nHost: a\r\n{}"
                                "sec-websocket-key: {}\r\nsec-websocket-version: 13\r\n"
                                "Sec-WebSocket-Extensions: permessage-deflate\r\n"
                                "Sec-WebSocket-Protocol: x\r\nCookie: {}\r\n\r\n",
                                lines, kKey, std::string(5000, 'c'))));
    ASSERT_TRUE(client.read_until("\r\n\r\n", 10s));
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 101 ")) << lines;
    EXPECT_EQ(count(client.received(), kAccept), 1u);
    EXPECT_EQ(count(client.received(), "Extensions") + count(client.received(), "-Protocol"), 0u);
  }
}

TEST(Channel, TakesAMessageInPiecesWithPingsBetween) {
  EventHub hub;
  WebSocketClient client(hub.address());
  std::string whole;
  for (int i = 0; i < 5; ++i) {
    const std::string piece(16384, static_cast<char>('a' + i));
    ASSERT_TRUE(client.send(i == 0 ? Opcode::text : Opcode::more, piece, i == 4));
    ASSERT_TRUE(client.send(Opcode::ping, std::to_string(i)));
    whole += piece;
  }
  std::vector<std::string> heard;
  for (int i = 0; i < 6; ++i) heard.push_back(client.hear());
  EXPECT_EQ(std::ranges::count(heard, whole), 1);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(std::ranges::count(heard, "pong " + std::to_string(i)), 1) << i;
  }
}

TEST(Channel, LosesNoByteThatCameBehindTheHead) {
  std::string behind;
  for (int i = 0; i < 300; ++i) behind += frame_of(Opcode::text, "early " + std::to_string(i));
  EventHub hub;
  WebSocketClient client(hub.address(), behind);
  ASSERT_TRUE(client.is_open());
  for (int i = 0; i < 300; ++i) ASSERT_EQ(client.hear(), "early " + std::to_string(i));
}

TEST(Channel, IsAnEventStreamThatSendsWhatItIsGiven) {
  EventHub hub;
  RawClient client(hub.address());
  ASSERT_TRUE(client.send(kStreamRequest));
  ASSERT_TRUE(client.read_until("\r\n\r\n", 10s));
  EXPECT_EQ(client.received(),
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
            "X-Ours: kept\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return hub.opened() == 1; }));
  const auto text = shared_text("data: one\n\n");
  hub.channel(0)->send(text);
  hub.channel(0)->send(shared_text("data: two\n\n"));
  hub.channel(0)->close();
  hub.channel(0)->send(shared_text("data: late\n\n"));
  ASSERT_TRUE(client.read_to_end(10s));
  EXPECT_TRUE(client.received().ends_with("\r\n\r\ndata: one\n\ndata: two\n\n"));
  client.hang_up();
  EXPECT_TRUE(eventually([&] { return hub.closed() == 1; }));
  EXPECT_EQ(text.use_count(), 1);
}

TEST(Channel, EndsWhenItsListenerGoes) {
  EventHub hub;
  RawClient listener(hub.address());
  WebSocketClient talker(hub.address());
  ASSERT_TRUE(listener.send(kStreamRequest));
  ASSERT_TRUE(eventually([&] { return hub.opened() == 2; }));
  listener.hang_up();
  EXPECT_TRUE(eventually([&] { return hub.closed() == 1; }));
  talker.raw().hang_up();
  EXPECT_TRUE(eventually([&] { return hub.closed() == 2 && hub.server().connections() == 0; }));
  for (const std::size_t i : {0u, 1u}) hub.send(i, "to nobody");
}

TEST(Channel, OfAWebSocketClosesAfterWhatWasSent) {
  EventHub hub;
  WebSocketClient client(hub.address());
  ASSERT_TRUE(client.say("close"));
  EXPECT_EQ(client.hear(), "close 1000");  // What was sent after close() is dropped.
  ASSERT_TRUE(client.send(Opcode::close, "\x03\xe8"));
  EXPECT_EQ(client.hear(), "end");
  EXPECT_TRUE(eventually([&] { return hub.closed() == 1; }));

  WebSocketClient another(hub.address());
  ASSERT_TRUE(eventually([&] { return hub.opened() == 2; }));
  hub.send(1, std::string(3'000'000, 'x'));  // Longer than what may wait, but nothing waits.
  hub.send(1, "last");
  hub.channel(1)->close();
  EXPECT_EQ(another.hear().size(), 3'000'000u);
  EXPECT_EQ(another.hear(), "last");
  EXPECT_EQ(another.hear(), "close 1000");
}

TEST(Channel, AnswersACloseOfTheClient) {
  EventHub hub;
  WebSocketClient client(hub.address());
  ASSERT_TRUE(client.send(Opcode::close, "\x03\xe8"));
  EXPECT_EQ(client.hear(), "close 1000");
  EXPECT_EQ(client.hear(), "end");
  client.raw().hang_up();
  EXPECT_TRUE(eventually([&] { return hub.closed() == 1; }));
}

TEST(Channel, TakesTextsFromManyThreadsInTheOrderOfEach) {
  EventHub hub({.channel_bytes_max = 64 << 20, .tick = 10ms});
  WebSocketClient client(hub.address());
  ASSERT_TRUE(eventually([&] { return hub.opened() == 1; }));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&hub, t] {
      for (int i = 0; i < 500; ++i) hub.send(0, fmt::format("{} {}", t, i));
    });
  }
  std::map<std::string, int> next;
  for (int i = 0; i < 2000; ++i) {
    const std::string text = client.hear();
    ASSERT_EQ(text.substr(2), std::to_string(next[text.substr(0, 1)]++));
  }
  for (auto& thread : threads) thread.join();
}

TEST(Channel, GoesOverAUnixSocketAndNotAsAWebSocketOverTls) {
  const TempDir dir;
  const Node node(7);
  const Address place{Scheme::unix_socket, {}, 0, (dir.path() / "s").string()};
  EventHub hub({.tick = 10ms}, {Listener{.address = place}, tls_on_loopback(node)});
  const auto socket = connect_unix(place.path);
  ASSERT_TRUE(socket);
  RawClient client{Descriptor(::dup(socket.value().number()))};
  ASSERT_TRUE(client.send(kHandshake + frame_of(Opcode::text, "over a file")));
  EXPECT_TRUE(client.read_until("over a file", 10s));

  HttpClient tls(hub.address(1));
  auto request = get("/socket");
  request.fields = {{"Upgrade", "websocket"},
                    {"Connection", "Upgrade"},
                    {"Sec-WebSocket-Version", "13"},
                    {"Sec-WebSocket-Key", std::string(kKey)}};
  const auto answer = tls.request(request, kLimits);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer.value().status, 501);
}

TEST(Channel, IsAnEventStreamOverTls) {
  const Node node(7);
  EventHub hub({.tick = 10ms}, {tls_on_loopback(node)});
  std::thread speaker([&] {
    EXPECT_TRUE(eventually([&] { return hub.opened() == 1; }));
    hub.send(0, std::string(200'000, 'x'));
    hub.send(0, "data: last\n\n");
    hub.channel(0)->close();
  });
  HttpClient client(hub.address());
  const auto answer = client.request(get("/stream"), kLimits);
  speaker.join();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer.value().body.size(), 200'012u);
  EXPECT_TRUE(eventually([&] { return hub.closed() == 1; }));
}

TEST(Channel, SaysNowAndThenThatItIsThere) {
  MovedClock clock;
  EventHub hub(kPatientOptions, {on_loopback()}, &clock);
  RawClient listener(hub.address());
  ASSERT_TRUE(listener.send(kStreamRequest));
  ASSERT_TRUE(eventually([&] { return hub.opened() == 1; }));
  WebSocketClient talker(hub.address());
  ASSERT_TRUE(eventually([&] { return hub.opened() == 2; }));
  for (int round = 0; round < 5; ++round) {  // Far beyond the deadline for idle connections.
    clock.advance(30);
    ASSERT_TRUE(eventually([&] {
      (void)listener.read_to_end(1ms);
      return count(listener.received(), ":\n\n") == 2u * round + 1;
    }));
    clock.advance(30);
    ASSERT_EQ(talker.hear(), "ping");
    ASSERT_TRUE(talker.send(Opcode::pong, ""));
    ASSERT_TRUE(talker.say("between"));
    ASSERT_EQ(talker.hear(), "between");  // So the pong has come, too.
    ASSERT_TRUE(eventually([&] {
      (void)listener.read_to_end(1ms);
      return count(listener.received(), ":\n\n") == 2u * round + 2;
    }));
  }
  EXPECT_EQ(hub.closed(), 0u);
}

TEST(Channel, IsClosedWhenNoPongComes) {
  MovedClock clock;
  EventHub hub(kPatientOptions, {on_loopback()}, &clock);
  WebSocketClient client(hub.address());
  ASSERT_TRUE(eventually([&] { return hub.opened() == 1; }));
  clock.advance(60);
  ASSERT_EQ(client.hear(), "ping");
  clock.advance(59);
  ASSERT_TRUE(client.say("a word is no pong"));
  EXPECT_EQ(client.hear(), "a word is no pong");
  EXPECT_EQ(hub.closed(), 0u);
  clock.advance(1);
  EXPECT_EQ(client.hear(), "end");
  EXPECT_TRUE(eventually([&] { return hub.closed() == 1; }));
}

TEST(Channel, EndsAtOnceWhenTheServerStops) {
  EventHub hub;
  WebSocketClient talker(hub.address());
  RawClient listener(hub.address());
  ASSERT_TRUE(listener.send(kStreamRequest));
  ASSERT_TRUE(eventually([&] { return hub.opened() == 2; }));
  const auto start = std::chrono::steady_clock::now();
  hub.server().stop(30s);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  EXPECT_EQ(talker.hear(), "close 1001");
  EXPECT_EQ(talker.hear(), "end");
  EXPECT_TRUE(listener.read_to_end(10s));
  EXPECT_EQ(hub.closed(), 2u);
  for (const std::size_t i : {0u, 1u}) {
    hub.send(i, "after the end");
    hub.channel(i)->close();
  }
}

TEST(Channel, GoesOnUnderOtherLimits) {
  EventHub hub({.body_bytes_max = 1000, .tick = 10ms});
  WebSocketClient client(hub.address());
  ASSERT_TRUE(client.say(std::string(1000, 'x')));
  EXPECT_EQ(client.hear().size(), 1000u);
  hub.server().set_limits({.body_bytes_max = 2000, .tick = 10ms});
  hub.server().judge_again();
  EXPECT_TRUE(eventually([&] {
    WebSocketClient next(hub.address());
    return next.say(std::string(2000, 'x')) && next.hear().size() == 2000;
  }));
  ASSERT_TRUE(client.say("still there"));
  EXPECT_EQ(client.hear(), "still there");
  ASSERT_TRUE(client.say(std::string(2000, 'x')));
  EXPECT_EQ(client.hear().size(), 2000u);
}

TEST(Channel, DoesNotGiveWayToNewConnections) {
  EventHub hub({.connections_max = 2, .tick = 10ms});
  WebSocketClient first(hub.address());
  WebSocketClient second(hub.address());
  ASSERT_TRUE(eventually([&] { return hub.opened() == 2; }));
  RawClient third(hub.address());
  EXPECT_TRUE(third.read_to_end(10s));
  EXPECT_EQ(third.received().substr(9, 3), "503");
  ASSERT_TRUE(first.say("still there"));
  EXPECT_EQ(first.hear(), "still there");
}

TEST(Channel, IsRefusedWhereNoMoreMayBeAndTheRestIsAnswered) {
  EventHub hub({.channels_max = 2, .tick = 10ms});
  WebSocketClient first(hub.address());
  RawClient second(hub.address());
  ASSERT_TRUE(second.send(kStreamRequest));
  ASSERT_TRUE(eventually([&] { return hub.opened() == 2; }));
  for (const std::string& request : {kStreamRequest, kHandshake}) {
    RawClient third(hub.address());
    ASSERT_TRUE(third.send(request + "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n"));
    ASSERT_TRUE(third.read_until("\r\n\r\nplain", 10s));
    EXPECT_TRUE(third.received().starts_with("HTTP/1.1 503 "));
    EXPECT_EQ(count(third.received(), "HTTP/1.1 200 OK"), 1u);
  }
  second.hang_up();
  EXPECT_TRUE(eventually([&] { return WebSocketClient(hub.address()).is_open(); }));
}

/// How many bytes of heap each of `many` clients that ask for this costs, its own included.
double bytes_for_each(EventHub& hub, const std::string& request, std::size_t many) {
  std::vector<std::unique_ptr<RawClient>> clients;
  clients.reserve(many);
  const std::size_t opened = hub.opened();
  const std::size_t before = heap_bytes();
  for (std::size_t i = 0; i < many; ++i) {
    clients.push_back(std::make_unique<RawClient>(hub.address()));
    EXPECT_TRUE(clients.back()->send(request));
    EXPECT_TRUE(clients.back()->read_until("\r\n\r\n", 10s));
  }
  EXPECT_TRUE(eventually([&] { return hub.opened() == opened + many; }));
  const auto each = static_cast<double>(heap_bytes() - before) / static_cast<double>(many);
  EXPECT_EQ(hub.server().connections(), many);
  for (std::size_t i = 0; i < many; ++i) hub.send(opened + i, "data: for all\n\n");
  for (const auto& client : clients) EXPECT_TRUE(client->read_until("data: for all\n\n", 10s));
  clients.clear();
  EXPECT_TRUE(eventually([&] { return hub.server().connections() == 0; }));
  return each;
}

TEST(Channel, CostsLittleWhileItIsIdle) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::min<rlim_t>(files.rlim_max, 4096);
  ::setrlimit(RLIMIT_NOFILE, &files);
  const std::size_t many = std::min<std::size_t>(1000, (files.rlim_cur - 100) / 2);
  EventHub hub({.connections_max = 1100});
  for (const std::string& request : {kStreamRequest, kHandshake}) {
    const double each = bytes_for_each(hub, request, many);
    std::cout << (request == kHandshake ? "WebSocket: " : "event stream: ") << each
              << " bytes for each of " << many << "\n";
    EXPECT_LE(each, 32 * 1024);
  }
}

}  // namespace
}  // namespace bmsg::net
