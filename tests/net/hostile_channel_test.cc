// Channels with clients that mean harm: handshakes that are none, frames that may not be, too much,
// too slow.

#include <gtest/gtest.h>

#include "tests/net/http_asking.h"
#include "tests/net/web_socket_client.h"

namespace bmsg::net {
namespace {

using namespace std::chrono_literals;

/// A handshake with `what` in place of the line that begins with `name`.
std::string with(std::string_view name, std::string_view what) {
  std::string head = kHandshake;
  const auto at = head.find(name);
  return head.replace(at, head.find("\r\n", at) + 2 - at, what);
}

struct BadHandshake {
  const char* name;
  int status;
  std::string bytes;
};

const std::vector<BadHandshake> kBadHandshakes = {
    {"no wish", 426, "GET /socket HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"no Upgrade", 426, with("Upgrade", "")},
    {"Upgrade to something else", 426, with("Upgrade", "Upgrade: h2c\r\n")},
    {"Upgrade, not quite", 426, with("Upgrade", "Upgrade: websocket13\r\n")},
    {"no version", 400, with("Sec-WebSocket-Version", "")},
    {"an old version", 426, with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8\r\n")},
    {"version 013", 426, with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 013\r\n")},
    {"two versions", 400,
     with("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 8\r\n")},
    {"no Connection", 400, with("Connection", "")},
    {"Connection that keeps alive", 400, with("Connection", "Connection: keep-alive\r\n")},
    {"Connection that closes, too", 400, with("Connection", "Connection: Upgrade, close\r\n")},
    {"no key", 400, with("Sec-WebSocket-Key", "")},
    {"an empty key", 400, with("Sec-WebSocket-Key", "Sec-WebSocket-Key:\r\n")},
    {"a short key", 400, with("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub24=\r\n")},
    {"a long key", 400,
     with("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZXM=\r\n")},
    {"a key that is no base64", 400,
     with("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!!==\r\n")},
    {"a very long key", 400,
     with("Sec-WebSocket-Key", "Sec-WebSocket-Key: " + std::string(4000, 'A') + "\r\n")},
    {"two keys", 400,
     with("Sec-WebSocket-Key", "Sec-WebSocket-Key: " + std::string(kKey) +
                                   "\r\nSec-WebSocket-Key: " + std::string(kKey) + "\r\n")},
    {"HTTP/1.0", 400, with("GET", "GET /socket HTTP/1.0\r\n")},
    {"POST", 400, with("GET", "POST /socket HTTP/1.1\r\n")},
    {"HEAD", 400, with("GET", "HEAD /socket HTTP/1.1\r\n")},
    {"a body", 400, with("Host", "Host: a\r\nContent-Length: 2\r\n") + "xx"},
    {"chunks", 400, with("Host", "Host: a\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n"},
};

TEST(HostileChannel, IsRefusedForAHandshakeThatIsNone) {
  EventHub hub;
  for (const BadHandshake& bad : kBadHandshakes) {
    SCOPED_TRACE(bad.name);
    RawClient client(hub.address());
    ASSERT_TRUE(client.send(bad.bytes));
    ASSERT_TRUE(client.read_until("\r\n\r\n", 10s));
    EXPECT_EQ(client.received().substr(0, 13), fmt::format("HTTP/1.1 {} ", bad.status));
    EXPECT_EQ(count(client.received(), "Sec-WebSocket-Version: 13\r\n"), bad.status == 426 ? 1 : 0);
    for (const char* word : {"101", "Beast", "Server", "X-Ours"}) {
      EXPECT_EQ(count(client.received(), word), 0u) << word;
    }
  }
  EXPECT_EQ(hub.opened(), 0u);
}

TEST(HostileChannel, IsNotThereForWhoAsksElsewhere) {
  EventHub hub;
  for (const char* version : {"HTTP/1.1", "HTTP/1.0"}) {
    RawClient client(hub.address());
    const auto asks = with("GET", fmt::format("GET /plain {}\r\n", version));
    ASSERT_TRUE(client.send(asks));
    ASSERT_TRUE(client.read_until("plain", 10s));
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 200 OK\r\n"));
    const bool stays = std::string_view(version) == "HTTP/1.1";
    EXPECT_EQ(client.send(asks) && client.read_until("plainHTTP/1.1 200", 10s), stays);
  }
  EXPECT_EQ(hub.opened(), 0u);
}

TEST(HostileChannel, GivesNoStreamForHead) {
  EventHub hub;
  RawClient client(hub.address());
  ASSERT_TRUE(client.send("HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" + kStreamRequest));
  ASSERT_TRUE(client.read_until("event-stream", 10s));
  EXPECT_EQ(count(client.received(), "HTTP/1.1 200 OK"), 2u);
  EXPECT_TRUE(eventually([&] { return hub.opened() == 1; }));
}

struct BadFrames {
  const char* name;
  const char* answer;
  std::string bytes;
};

const std::vector<BadFrames> kBadFrames = {
    {"no mask", "close 1002", frame_of(Opcode::text, "x", true, Mask::no)},
    {"no mask on an empty text", "close 1002", frame_of(Opcode::text, "", true, Mask::no)},
    {"no mask on a ping", "close 1002", frame_of(Opcode::ping, "x", true, Mask::no)},
    {"bytes", "close 1003", frame_of(Opcode::binary, "x")},
    {"no bytes", "close 1003", frame_of(Opcode::binary, "")},
    {"bytes in pieces", "close 1003", frame_of(Opcode::binary, "x", false)},
    {"a text that is no UTF-8", "close 1007", frame_of(Opcode::text, "\xc3\x28")},
    {"a text cut in a character", "close 1007", frame_of(Opcode::text, "\xe2\x82")},
    {"half a surrogate", "close 1007", frame_of(Opcode::text, "\xed\xa0\x80")},
    {"a piece without a start", "close 1002", frame_of(Opcode::more, "x")},
    {"a start within a message", "close 1002",
     frame_of(Opcode::text, "x", false) + frame_of(Opcode::text, "x")},
    {"an unknown kind", "close 1002", frame_of(Opcode{3}, "x")},
    {"an unknown control", "close 1002", frame_of(Opcode{11}, "x")},
    {"a reserved bit", "close 1002", "\xc1" + frame_of(Opcode::text, "x").substr(1)},
    {"a long ping", "close 1002", frame_of(Opcode::ping, std::string(126, 'x'))},
    {"a ping in pieces", "close 1002", frame_of(Opcode::ping, "x", false)},
    {"a close of one byte", "close 1002", frame_of(Opcode::close, "x")},
    {"a close that is no UTF-8", "close 1002", frame_of(Opcode::close, "\x03\xe8\xff")},
    {"a length of 2^63", "close 1009", std::string("\x81\xff\x80\0\0\0\0\0\0\0....", 14)},
    {"a length of 2^62", "close 1009", std::string("\x81\xff\x40\0\0\0\0\0\0\0....", 14)},
    {"a length written too long", "close 1002", std::string("\x81\xfe\0\x01....x", 9)},
};

TEST(HostileChannel, IsClosedForFramesThatMayNotBe) {
  EventHub hub({.farewell = 100ms, .tick = 10ms});
  for (const BadFrames& bad : kBadFrames) {
    SCOPED_TRACE(bad.name);
    WebSocketClient client(hub.address(), bad.bytes);
    ASSERT_TRUE(client.is_open());
    EXPECT_EQ(client.hear(), bad.answer);
    (void)client.say("more");
    EXPECT_EQ(client.hear(), "end");
  }
  EXPECT_TRUE(hub.texts().empty());
  EXPECT_TRUE(eventually([&] { return hub.server().connections() == 0; }));
  EXPECT_EQ(hub.closed(), kBadFrames.size());
}

TEST(HostileChannel, TakesAMessageOfTheLimitAndNotOneByteMore) {
  for (const bool in_pieces : {false, true}) {
    EventHub hub({.body_bytes_max = 100'000, .farewell = 100ms, .tick = 10ms});
    WebSocketClient client(hub.address());
    const auto say = [&](std::size_t size) {
      if (!in_pieces) return client.say(std::string(size, 'x'));
      return client.send(Opcode::text, std::string(60'000, 'x'), false) &&
             client.send(Opcode::more, std::string(size - 60'000, 'x'));
    };
    ASSERT_TRUE(say(100'000));
    EXPECT_EQ(client.hear().size(), 100'000u);
    (void)say(100'001);  // The server may close before it has all.
    EXPECT_EQ(client.hear(), "close 1009");
    EXPECT_EQ(hub.texts().size(), 1u);
  }
}

TEST(HostileChannel, HoldsNoMoreMessagesThanBodiesMayBe) {
  EventHub hub({.body_bytes_in_all = 300'000, .farewell = 100ms, .tick = 10ms});
  WebSocketClient small(hub.address());
  WebSocketClient client(hub.address());
  (void)client.send(Opcode::text, std::string(500'000, 'x'), false);
  EXPECT_EQ(client.hear(), "close 1013");
  const std::string text(100'000, 'x');
  ASSERT_TRUE(small.say(text));
  EXPECT_EQ(small.hear(), text);
}

TEST(HostileChannel, IsClosedWhenAMessageDrips) {
  EventHub hub({.request_deadline = 200ms, .tick = 10ms});
  WebSocketClient idle(hub.address());
  WebSocketClient client(hub.address());
  ASSERT_TRUE(client.send(Opcode::text, "x", false));
  EXPECT_TRUE(eventually([&] {
    (void)client.send(Opcode::more, "x", false);
    std::this_thread::sleep_for(10ms);
    return hub.closed() == 1;
  }));
  ASSERT_TRUE(idle.say("in peace"));
  EXPECT_EQ(idle.hear(), "in peace");
}

TEST(HostileChannel, LosesWhoReadsTooSlowlyAndNobodyElse) {
  for (const bool is_stream : {false, true}) {
    EventHub hub({.channel_bytes_max = 100'000, .tick = 10ms});
    RawClient slow(hub.address());
    ASSERT_TRUE(slow.send(is_stream ? kStreamRequest : kHandshake));
    ASSERT_TRUE(eventually([&] { return hub.opened() == 1; }));
    WebSocketClient other(hub.address());
    ASSERT_TRUE(eventually([&] { return hub.opened() == 2; }));
    const auto text = std::make_shared<const std::string>(20'000, 'x');
    int sent = 0;
    while (hub.closed() == 0 && sent < 10'000) {
      for (std::size_t i = 0; i < 2; ++i) hub.channel(i)->send(text);
      ASSERT_EQ(other.hear().size(), text->size());
      ++sent;
    }
    EXPECT_EQ(hub.closed(), 1u);
    EXPECT_GE(sent, 5);
    EXPECT_TRUE(eventually([&] { return text.use_count() == 1; }));
  }
}

TEST(HostileChannel, LetsExactlyTheLimitWait) {
  for (const std::size_t extra : {0u, 1u}) {
    EventHub hub({.channel_bytes_max = 10 * (1000 + 64)});
    WebSocketClient client(hub.address());
    ASSERT_TRUE(eventually([&] { return hub.opened() == 1; }));
    // On the server's thread nothing is taken between two texts.
    hub.server().post([&hub, extra] {
      hub.send(0, "the first waits for nothing");
      for (int i = 0; i < 9; ++i) hub.send(0, std::string(1000, 'x'));
      hub.send(0, std::string(1000 + extra, 'x'));
    });
    if (extra == 0) {
      EXPECT_EQ(client.hear(), "the first waits for nothing");
      for (int i = 0; i < 10; ++i) EXPECT_EQ(client.hear().size(), 1000u);
    }
    EXPECT_TRUE(extra == 0 || eventually([&] { return hub.closed() == 1; }));
    EXPECT_EQ(hub.closed(), extra);
  }
}

TEST(HostileChannel, IsClosedWhenAWriteMakesNoProgress) {
  for (const bool is_stream : {false, true}) {
    EventHub hub({.write_deadline = 200ms, .tick = 10ms});
    RawClient client(hub.address());
    ASSERT_TRUE(client.send(is_stream ? kStreamRequest : kHandshake));
    ASSERT_TRUE(eventually([&] { return hub.opened() == 1; }));
    hub.send(0, std::string(30'000'000, 'x'));
    EXPECT_TRUE(eventually([&] { return hub.closed() == 1; }));
    EXPECT_TRUE(eventually([&] { return hub.server().connections() == 0; }));
  }
}

TEST(HostileChannel, DoesNotWaitForAClientThatIgnoresItsClose) {
  for (const bool is_stream : {false, true}) {
    EventHub hub({.farewell = 100ms, .tick = 10ms});
    RawClient client(hub.address());
    ASSERT_TRUE(client.send(is_stream ? kStreamRequest : kHandshake));
    ASSERT_TRUE(eventually([&] { return hub.opened() == 1; }));
    hub.channel(0)->close();
    EXPECT_TRUE(eventually([&] { return hub.server().connections() == 0; }));
  }
}

TEST(HostileChannel, EndsAStreamWhoseListenerTalks) {
  EventHub hub;
  RawClient client(hub.address());
  ASSERT_TRUE(client.send(kStreamRequest + std::string(3000, 'x')));
  ASSERT_TRUE(eventually([&] { return hub.opened() == 1; }));
  EXPECT_EQ(hub.closed(), 0u);
  ASSERT_TRUE(client.send(std::string(1097, 'x')));
  EXPECT_TRUE(eventually([&] { return hub.closed() == 1; }));
}

TEST(HostileChannel, KeepsNobodyWaitingWhileOneFloods) {
  EventHub hub;
  WebSocketClient loud(hub.address());
  ASSERT_TRUE(loud.is_open());
  std::atomic<bool> stop = false;
  std::thread flood([&] {
    std::string many;
    for (int i = 0; i < 1000; ++i) many += frame_of(i % 2 ? Opcode::text : Opcode::pong, "");
    while (!stop && loud.raw().send(many)) {
    }
  });
  for (int i = 0; i < 20; ++i) {
    HttpClient honest(hub.address());
    const auto answer = honest.request(get("/plain"), kLimits);
    EXPECT_TRUE(answer) << answer.error().message;
  }
  stop = true;
  hub.server().stop(0ms);
  flood.join();
}

}  // namespace
}  // namespace bmsg::net
