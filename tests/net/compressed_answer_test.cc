// Answers that would grow when unpacked: refused by their head, whatever is behind it.

#include <gtest/gtest.h>

#include "tests/net/http_asking.h"
#include "tests/net/scripted_server.h"

namespace bmsg::net {
namespace {

using namespace std::chrono_literals;

/// A server that sends `head` and then bytes for as long as anybody takes them.
struct Bomber {
  explicit Bomber(const std::string& head)
      : server([this, head](const ScriptedServer::Guest& guest) {
          asked = guest.read_until("\r\n\r\n");
          const std::string piece(65536, '\x1f');
          if (!guest.send(head)) return;
          while (sent < (std::size_t{64} << 20) && guest.send(piece)) sent += piece.size();
        }) {}

  std::string asked;
  std::atomic<std::size_t> sent = 0;
  ScriptedServer server;
};

TEST(CompressedAnswer, IsRefusedByItsHeadAndNothingOfItIsUnpacked) {
  for (const std::string coding : {"gzip", "br", "zstd", "deflate", "GZIP", "gzip, identity"}) {
    SCOPED_TRACE(coding);
    for (const char* const end : {"Content-Length: 10485760\r\n", ""}) {
      std::uint64_t read = 0;
      Bomber bomber("HTTP/1.1 200 OK\r\nContent-Encoding: " + coding + "\r\n" + end + "\r\n");
      {
        HttpClient client(bomber.server.address());
        const auto answer = client.request(
            get("/x"), {.deadline = 10s, .response_bytes_max = std::size_t{1} << 30});
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, Errc::protocol);
        EXPECT_NE(answer.error().message.find("compressed"), std::string::npos);
        read = client.bytes_in();
      }
      EXPECT_LE(read, 2u * 65536);
      EXPECT_LT(bomber.sent, std::size_t{64} << 20);  // It was hung up on.
    }
  }
}

TEST(CompressedAnswer, IsNotAskedFor) {
  Bomber bomber("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n");
  {
    HttpClient client(bomber.server.address());
    ASSERT_TRUE(client.request(get("/x"), kLimits));
  }
  EXPECT_TRUE(eventually([&] { return !bomber.asked.empty(); }));
  EXPECT_EQ(count(bomber.asked, "Accept-Encoding: identity\r\n"), 1u);
  EXPECT_EQ(count(bomber.asked, "Accept-Encoding"), 1u);
}

}  // namespace
}  // namespace bmsg::net
