// A system that gives no descriptor: it is said so, nobody else is blamed, and later all goes on.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/net/http_client.h"
#include "tests/net/echo_server.h"
#include "tests/net/http_asking.h"

// UBSan asks by a pipe whether memory is there: without descriptors it takes no object for one.
#ifndef __SANITIZE_ADDRESS__

namespace bmsg::net {
namespace {

/// While it lives the process gets so many descriptors and no more.
class FewDescriptors {
 public:
  explicit FewDescriptors(int left) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    for (int i = 0; i < left; ++i) kept_.push_back(take());
    const int next = take();
    ::close(next);
    const rlimit few{static_cast<rlim_t>(next), before_.rlim_max};
    for (const int number : kept_) ::close(number);
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  static int take() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

  rlimit before_{};
  std::vector<int> kept_;
};

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

TEST(FewDescriptors, LetNoServerBegin) {
  const SystemClock clock;
  const Handler handler = [](const HttpRequest&, const Respond& respond) {
    respond(text_response(200, "here"));
  };
  for (int left = 0; left < 4; ++left) {
    const FewDescriptors few(left);
    const auto server = HttpServer::start({on_loopback()}, handler, {}, clock);
    ASSERT_FALSE(server) << left;
    EXPECT_TRUE(server.error().code == Errc::no_resource || server.error().code == Errc::io)
        << server.error().message;
  }
  EXPECT_TRUE(HttpServer::start({on_loopback()}, handler, {}, clock));
}

}  // namespace
}  // namespace bmsg::net

#endif
