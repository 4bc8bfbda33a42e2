// Long polls: woken by news, by time, and by the end.

#include "lib/api/peer_routes.h"

#include <gtest/gtest.h>

#include <future>

#include "lib/api/wire_json.h"
#include "lib/core/hex.h"
#include "tests/api/running_node.h"

namespace bmsg::api {
namespace {

class LongPoll : public testing::Test {
 protected:
  LongPoll() : node(builder), cursor(node.node->feed("").value().cursor) {}

  /// Asks on a thread of its own.
  std::future<Result<net::HttpResponse>> ask(const std::string& target) {
    return std::async(std::launch::async, [this, target] {
      net::HttpClient client(node.address());
      net::OutgoingRequest request;
      request.target = target;
      return client.request(request,
                            {.deadline = std::chrono::seconds(30), .response_bytes_max = 1 << 20});
    });
  }
  static bool is_done(std::future<Result<net::HttpResponse>>& answer) {
    return answer.wait_for(std::chrono::milliseconds(0)) == std::future_status::ready;
  }
  static node::Feed read(std::future<Result<net::HttpResponse>>& answer) {
    const auto response = answer.get();
    EXPECT_TRUE(response) << response.error().message;
    EXPECT_EQ(response.value().status, 200);
    return parse_feed(as_text(response.value().body)).value();
  }
  /// Whether a poll waits: what is asked after it is answered before it.
  void settle(std::future<Result<net::HttpResponse>>& poll) {
    EXPECT_TRUE(eventually([&] { return node.server->connections() > 0; }));
    for (int i = 0; i < 20; ++i) {
      auto other = ask("/bmsg/1/info");
      EXPECT_TRUE(other.get());
    }
    EXPECT_FALSE(is_done(poll));
  }

  ChainBuilder builder;
  RunningNode node;
  std::string cursor;
};

TEST_F(LongPoll, IsAnsweredAtOnceIfThereIsNews) {
  ASSERT_TRUE(node.node->submit_messages({builder.public_message("new", node.clock.now())},
                                         node::Origin::own));
  auto answer = ask("/bmsg/1/feed?wait=60&since=" + cursor);
  EXPECT_EQ(read(answer).messages.size(), 1);
  auto unknown = ask("/bmsg/1/feed?wait=60&since=other.1");
  EXPECT_EQ(read(unknown).messages.size(), 1);
}

TEST_F(LongPoll, IsWokenByAMessage) {
  auto answer = ask("/bmsg/1/feed?wait=60&since=" + cursor);
  settle(answer);
  ASSERT_TRUE(node.node->submit_messages({builder.public_message("new", node.clock.now())},
                                         node::Origin::own));
  const node::Feed feed = read(answer);
  EXPECT_EQ(feed.messages.size(), 1);
  EXPECT_NE(feed.cursor, cursor);
}

TEST_F(LongPoll, IsWokenByABlock) {
  auto answer = ask("/bmsg/1/feed?wait=60&since=" + cursor);
  settle(answer);
  node.accept({builder.block(builder.genesis())});
  EXPECT_EQ(read(answer).tip.height, Height{1});
}

TEST_F(LongPoll, ComesBackEmptyWhenItsTimeIsOver) {
  auto answer = ask("/bmsg/1/feed?wait=1&since=" + cursor);
  const node::Feed feed = read(answer);
  EXPECT_TRUE(feed.messages.empty());
  EXPECT_EQ(feed.cursor, cursor);
}

TEST_F(LongPoll, IsAnsweredWhenTheServiceEnds) {
  auto answer = ask("/bmsg/1/feed?wait=60&since=" + cursor);
  settle(answer);
  node.peer_routes->stop();
  EXPECT_EQ(read(answer).cursor, cursor);
}

TEST_F(LongPoll, WaitsForNothingWithoutACursor) {
  auto answer = ask("/bmsg/1/feed?wait=60");
  EXPECT_EQ(read(answer).cursor, cursor);
}

}  // namespace
}  // namespace bmsg::api
