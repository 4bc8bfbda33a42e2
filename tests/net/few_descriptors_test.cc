// A system that gives no descriptor: it is said so, nobody else is blamed, and later all goes on.

#include <gtest/gtest.h>
#include <unistd.h>

#include "lib/net/http_client.h"
#include "lib/net/stdio_bridge.h"
#include "lib/net/unix_socket.h"
#include "tests/net/echo_server.h"
#include "tests/net/http_asking.h"
#include "tests/support/few_descriptors.h"
#include "tests/support/temp_dir.h"

// UBSan asks by a pipe whether memory is there: without descriptors it takes no object for one.
#ifndef __SANITIZE_ADDRESS__

namespace bmsg::net {
namespace {

TEST(FewDescriptors, AreNoFaultOfWhoIsCalled) {
  EchoServer server;
  int refused = 0;
  for (int left = 0; left < 4; ++left) {  // A loop takes up to three, a connection one.
    std::unique_ptr<HttpClient> client;
    {
      const FewDescriptors few(left);
      client = std::make_unique<HttpClient>(server.address());
      const auto answer = client->request(get("/path"), {});
      ASSERT_FALSE(answer) << left;
      EXPECT_EQ(answer.error().code, Errc::no_resource) << answer.error().message;
      EXPECT_EQ(client->bytes_out() + client->bytes_in(), 0u);
      EXPECT_FALSE(client->peer_key());
      client->drop_request();
      ++refused;
    }
    EXPECT_TRUE(HttpClient(server.address()).request(get("/path"), {})) << left;
    client->cancel();
  }
  EXPECT_EQ(refused, 4);
}

TEST(FewDescriptors, AreNoFaultOfAName) {
  HttpClient client({Scheme::http, "no-such-host.invalid", 80, {}});
  const RequestLimits limits{.deadline = std::chrono::seconds(2)};
  {
    const FewDescriptors few(0);  // The loop has what it takes.
    const auto answer = client.request(get("/path"), limits);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, Errc::no_resource) << answer.error().message;
    EXPECT_EQ(answer.error().message.find("does not resolve"), std::string::npos);
  }
  EXPECT_EQ(client.request(get("/path"), limits).error().code, Errc::no_host);
}

TEST(FewDescriptors, AreNoFaultOfASocket) {
  const TempDir dir;
  const auto listening = listen_unix(dir.path() / "socket", Stale::keep);
  ASSERT_TRUE(listening) << listening.error().message;
  for (int left = 0; left < 2; ++left) {  // One for its directory, one for itself.
    const FewDescriptors few(left);
    EXPECT_EQ(connect_unix(dir.path() / "socket").error().code, Errc::no_resource) << left;
    EXPECT_EQ(listen_unix(dir.path() / "other", Stale::keep).error().code, Errc::no_resource);
    EXPECT_EQ(make_socket_pair().error().code, Errc::no_resource) << left;
  }
  const FewDescriptors few(2);
  EXPECT_TRUE(connect_unix(dir.path() / "socket"));
  EXPECT_TRUE(listen_unix(dir.path() / "other", Stale::keep));
  EXPECT_TRUE(make_socket_pair());
}

TEST(FewDescriptors, LetNoServerBegin) {
  const SystemClock clock;
  const Handler handler = [](const HttpRequest&, const Respond& respond) {
    respond(text_response(200, "here"));
  };
  for (int left = 0; left < 4; ++left) {
    const FewDescriptors few(left);
    const auto server = HttpServer::start({on_loopback()}, handler, {}, clock);
    ASSERT_FALSE(server) << left;
    EXPECT_EQ(server.error().code, Errc::no_resource) << server.error().message;
  }
  EXPECT_TRUE(HttpServer::start({on_loopback()}, handler, {}, clock));
}

}  // namespace
}  // namespace bmsg::net

#endif
