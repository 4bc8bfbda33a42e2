// Unix sockets by long paths, and the poke.

#include "lib/net/unix_socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <fstream>

#include "tests/net/echo_server.h"
#include "tests/net/http_asking.h"
#include "tests/support/temp_dir.h"

namespace bmsg::net {
namespace {

using namespace std::chrono_literals;

class UnixSocket : public testing::Test {
 protected:
  TempDir dir;
  std::filesystem::path path = dir.path() / "node.sock";
};

TEST_F(UnixSocket, ListensAtAPathOfAnyLength) {
  const auto deep = dir.path() / std::string(200, 'a') / std::string(200, 'b');
  std::filesystem::create_directories(deep);
  const auto listening = listen_unix(deep / "node.sock", Stale::keep);
  ASSERT_TRUE(listening) << listening.error().message;
  EXPECT_TRUE(connect_unix(deep / "node.sock"));
}

TEST_F(UnixSocket, IsForItsOwnerAloneWhateverTheUmask) {
  const auto before = ::umask(0);
  const auto listening = listen_unix(path, Stale::keep);
  ::umask(before);
  ASSERT_TRUE(listening);
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST_F(UnixSocket, ReplacesAStaleSocketOnlyIfToldSo) {
  ASSERT_TRUE(listen_unix(path, Stale::keep));  // Closed at once; the file stays.
  ASSERT_TRUE(std::filesystem::exists(path));
  const auto kept = listen_unix(path, Stale::keep);
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code, Errc::unreachable);
  const auto replaced = listen_unix(path, Stale::replace);
  ASSERT_TRUE(replaced) << replaced.error().message;
  EXPECT_TRUE(connect_unix(path));
}

TEST_F(UnixSocket, NeverReplacesAnotherKindOfFile) {
  std::ofstream(path) << "precious";
  EXPECT_FALSE(listen_unix(path, Stale::replace));
  EXPECT_EQ(std::filesystem::file_size(path), 8u);
}

TEST_F(UnixSocket, SaysUnreachableAndWhyIfNobodyListens) {
  const auto absent = connect_unix(path);
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Errc::unreachable);
  EXPECT_EQ(absent.error().message,
            "cannot connect to " + path.string() + ": No such file or directory");
  ASSERT_TRUE(listen_unix(path, Stale::keep));
  EXPECT_EQ(connect_unix(path).error().code, Errc::unreachable);
}

TEST_F(UnixSocket, DeliversAPokeThatDidNotWaitForAnAnswer) {
  EchoServer server({}, {Listener{.address = {Scheme::unix_socket, {}, 0, path.string()}}});
  const auto bytes = write_request(post("/echo", to_bytes("new mail")), "localhost");
  EXPECT_TRUE(poke(path, *bytes));
  EXPECT_TRUE(eventually([&] { return server.requests() == 1; }));
}

TEST_F(UnixSocket, LeavesNoFileOfAServerThatCouldNotStart) {
  EchoServer server;
  const SystemClock clock;
  const std::vector<Listener> listeners{
      {.address = {Scheme::unix_socket, {}, 0, path.string()}},
      {.address = server.address()},  // Taken.
  };
  EXPECT_FALSE(HttpServer::start(
      listeners, [](HttpRequest, Respond) {}, {}, clock));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(UnixSocket, DoesNotWaitToPokeSomebodyWhoNeverAccepts) {
  const auto listening = listen_unix(path, Stale::keep);
  ASSERT_TRUE(listening);
  int given = 0;
  while (given < 10'000 && poke(path, as_bytes("x"))) ++given;
  EXPECT_GT(given, 0);
  EXPECT_LT(given, 10'000);  // The queue is full, and poke() came back to say so.
}

TEST_F(UnixSocket, DoesNotWaitToPokeMoreThanABufferHolds) {
  const auto listening = listen_unix(path, Stale::keep);
  ASSERT_TRUE(listening);
  EXPECT_FALSE(poke(path, Bytes(64 << 20)));
}

TEST_F(UnixSocket, CannotPokeNobody) { EXPECT_FALSE(poke(path, as_bytes("x"))); }

}  // namespace
}  // namespace bmsg::net
