// Long polls: woken by news, by time, and by the end.

#include "lib/api/peer_routes.h"

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <thread>

#include "lib/api/wire_json.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
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
      auto other = ask("/bmsg/1/headers/0/1");
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

/// Polls that come from addresses which the test names.
class PollsOfASubnet : public LongPoll {
 protected:
  using Status = std::future<int>;

  Status poll(const std::string& address, bool is_loopback = false) {
    net::HttpRequest request;
    request.path = "/bmsg/1/feed";
    request.query = {{"wait", "60"}, {"since", cursor}};
    request.peer.address = address;
    request.peer.is_loopback = is_loopback;
    const auto status = std::make_shared<std::promise<int>>();
    node.peer_routes->handle(
        request, [status](const net::HttpResponse& answer) { status->set_value(answer.status); });
    return status->get_future();
  }
  static bool is_answered(Status& one) {
    return one.wait_for(std::chrono::milliseconds(0)) == std::future_status::ready;
  }
  /// Whether everything that was asked before has been looked at: each subnet's is, in order.
  void settle() {
    for (const char* address : {"11.0.0.1", "11.0.1.1", "10.0.0.1"}) {
      net::HttpRequest request;
      request.path = "/bmsg/1/headers/0/1";
      request.peer.address = address;
      std::promise<void> done;
      node.peer_routes->handle(request, [&](const net::HttpResponse&) { done.set_value(); });
      done.get_future().wait();
    }
    auto local = ask("/bmsg/1/headers/0/1");
    ASSERT_TRUE(local.get());
  }
};

TEST_F(PollsOfASubnet, WaitForHalfOfItsConnectionsAndTheOldestGivesWay) {
  auto first = poll("11.0.0.1");
  auto elsewhere = poll("11.0.1.1");
  auto second = poll("11.0.0.2");
  settle();
  EXPECT_FALSE(is_answered(first));
  auto third = poll("11.0.0.3");
  EXPECT_EQ(first.get(), 200);
  settle();
  for (Status* one : {&elsewhere, &second, &third}) EXPECT_FALSE(is_answered(*one));
  auto fourth = poll("11.0.0.1");
  EXPECT_EQ(second.get(), 200);
  settle();
  for (Status* one : {&elsewhere, &third, &fourth}) EXPECT_FALSE(is_answered(*one));
}

TEST_F(PollsOfASubnet, AreAsManyAsTheSettingAllows) {
  node.peer_routes->set_limits({.connections_per_subnet = 6});
  std::vector<Status> polls;
  for (int i = 0; i < 3; ++i) polls.push_back(poll("11.0.0.1"));
  settle();
  for (Status& one : polls) EXPECT_FALSE(is_answered(one));
  polls.push_back(poll("11.0.0.1"));
  EXPECT_EQ(polls.front().get(), 200);
  node.peer_routes->set_limits({.connections_per_subnet = 1});
  EXPECT_EQ(poll("11.0.2.1").get(), 200);  // None may take the only connection for long.
}

TEST_F(PollsOfASubnet, AreMoreInAPrivateNetworkAndUncountedOnThisMachine) {
  std::vector<Status> polls;
  for (int i = 0; i < 32; ++i) polls.push_back(poll("10.0.0." + std::to_string(i)));
  for (int i = 0; i < 40; ++i) polls.push_back(poll("127.0.0.1", true));
  settle();
  for (Status& one : polls) EXPECT_FALSE(is_answered(one));
  polls.push_back(poll("10.0.0.77"));
  EXPECT_EQ(polls.front().get(), 200);
  settle();
  for (std::size_t i = 1; i < polls.size(); ++i) EXPECT_FALSE(is_answered(polls[i])) << i;
}

TEST(PeerRoutes, AnswerInfoWhileAnotherAnswerTakesLong) {
  ChainBuilder builder;
  RunningNode node(builder);
  PeerRoutes routes(*node.node, node.clock, [](auto, auto) {});
  const auto asked_for = [](const char* path) {
    net::HttpRequest request;
    request.path = path;
    return request;
  };
  std::promise<void> gate;
  routes.handle(asked_for("/bmsg/1/blocks/0/16"),
                [&](const net::HttpResponse&) { gate.get_future().wait(); });
  std::promise<int> status;
  routes.handle(asked_for("/bmsg/1/info"),
                [&](const net::HttpResponse& response) { status.set_value(response.status); });
  auto info = status.get_future();
  const bool is_answered = info.wait_for(std::chrono::seconds(10)) == std::future_status::ready;
  gate.set_value();
  EXPECT_TRUE(is_answered);
  EXPECT_EQ(info.get(), 200);
  routes.stop();
}

/// Routes whose thread is held by an answer, until `go`.
class HeldRoutes : public testing::Test {
 protected:
  HeldRoutes()
      : node(builder), routes(*node.node, node.clock, [this](auto, auto work) {
          later.push_back(std::move(work));
        }) {}
  ~HeldRoutes() override {
    if (!is_free) release();
    routes.stop();
  }

  static net::HttpRequest request(const std::string& address,
                                  const std::string& path = "/bmsg/1/headers/0/1") {
    net::HttpRequest request;
    request.path = path;
    request.peer.address = address;
    request.peer.is_loopback = address.starts_with("127.");
    return request;
  }
  void hold(const std::string& path = "/bmsg/1/headers/0/1") {
    std::promise<void> begun;
    routes.handle(request("127.0.0.1", path), [&](const net::HttpResponse& response) {
      held_status = response.status;
      begun.set_value();
      go.get_future().wait();
    });
    begun.get_future().wait();
  }
  void release() {
    is_free = true;
    go.set_value();
  }
  std::future<int> ask(net::HttpRequest question) {
    const auto status = std::make_shared<std::promise<int>>();
    const std::string address = question.peer.address;
    routes.handle(std::move(question), [this, status, address](const net::HttpResponse& response) {
      order.push_back(address);  // All on one thread, but for refusals, which come first.
      status->set_value(response.status);
    });
    return status->get_future();
  }
  /// A question for news that waits.
  std::future<int> poll(const std::string& address) {
    net::HttpRequest poll = request(address, "/bmsg/1/feed");
    poll.query = {{"wait", "60"}, {"since", node.node->feed("").value().cursor}};
    auto polled = ask(poll);
    EXPECT_EQ(ask(request(address)).get(), 200);  // Answered once that waits.
    return polled;
  }
  static bool is_open(std::future<int>& one) {
    return one.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
  }
  bool is_taken(const std::string& address, const std::string& path = "/bmsg/1/headers/0/1") {
    asked.push_back(ask(request(address, path)));
    return is_open(asked.back());
  }
  bool is_taken(const std::string& address, Bytes body) {
    net::HttpRequest put = request(address);
    put.body = std::move(body);
    asked.push_back(ask(std::move(put)));
    return is_open(asked.back());
  }

  ChainBuilder builder;
  RunningNode node;
  std::promise<void> go;
  bool is_free = false;
  int held_status = 0;
  std::vector<std::string> order;
  std::vector<std::future<int>> asked;
  std::vector<std::function<void()>> later;
  PeerRoutes routes;
};

TEST_F(HeldRoutes, TakeOriginsInTurn) {
  hold();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(is_taken("11.0.0.1"));
  EXPECT_TRUE(is_taken("11.0.1.1"));
  EXPECT_TRUE(is_taken("127.0.0.1"));
  release();
  for (auto& one : asked) EXPECT_EQ(one.get(), 200);
  EXPECT_EQ(order, (std::vector<std::string>{"11.0.0.1", "11.0.1.1", "127.0.0.1", "11.0.0.1",
                                             "11.0.0.1"}));
}

TEST_F(HeldRoutes, RefuseWhoFillsHisOwnQueue) {
  hold();
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(is_taken("11.0.0." + std::to_string(i)));
  EXPECT_FALSE(is_taken("11.0.0.9"));
  EXPECT_EQ(asked.back().get(), 503);
  asked.pop_back();
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(is_taken("11.0.1.1")) << "another subnet";
  EXPECT_FALSE(is_taken("11.0.1.1"));
  asked.pop_back();
  for (int i = 0; i < 64; ++i) EXPECT_TRUE(is_taken("10.0.0.1")) << "as many as connections";
  EXPECT_FALSE(is_taken("10.0.0.1"));
  asked.pop_back();
  routes.set_limits({.connections_per_subnet = 10});
  EXPECT_TRUE(is_taken("11.0.0.1"));
  EXPECT_TRUE(is_taken("11.0.0.1"));
  EXPECT_FALSE(is_taken("11.0.0.1"));
  asked.pop_back();
  while (asked.size() < 255) ASSERT_TRUE(is_taken("127.0.0.1")) << asked.size();
  EXPECT_FALSE(is_taken("127.0.0.1")) << "with what runs it is 256";
  asked.pop_back();
  release();
  for (auto& one : asked) EXPECT_EQ(one.get(), 200);
}

TEST_F(HeldRoutes, DoNothingForWhoHasLeft) {
  const auto put = [this](const Message& message, const auto& has_left) {
    net::HttpRequest question = request("11.0.0.1", "/bmsg/1/put");
    question.method = net::Method::post;
    question.body = chain::begin_pack();
    chain::append_frame(question.body, chain::FrameType::message, encode(message));
    question.has_left = has_left;
    return ask(std::move(question));
  };
  const auto stays = std::make_shared<std::atomic<bool>>(false);
  const auto leaves = std::make_shared<std::atomic<bool>>(false);
  const Message mine = builder.public_message("of one who stays", node.clock.now());
  const Message lost = builder.public_message("of one who leaves", node.clock.now());
  hold();
  auto first = put(lost, leaves);
  auto second = put(mine, stays);
  *leaves = true;
  release();
  EXPECT_EQ(second.get(), 200);
  EXPECT_EQ(first.get(), 503);
  EXPECT_EQ(node.node->info().value().pool_messages, 1U);
}

TEST_F(HeldRoutes, FinishOnlyWhatRunsAtTheEnd) {
  auto polled = poll("11.0.2.1");
  hold();
  for (int i = 0; i < 20; ++i) is_taken("11.0.0." + std::to_string(i % 4));
  std::thread end([this] { routes.stop(); });
  EXPECT_EQ(polled.get(), 200);  // That is the first it does.
  release();
  end.join();
  EXPECT_EQ(held_status, 200);
  for (auto& one : asked) EXPECT_EQ(one.get(), 503);
  EXPECT_FALSE(is_taken("11.0.0.1"));
}

TEST_F(HeldRoutes, HoldSoManyBytesOfBodiesAndNoMore) {
  constexpr std::size_t kQuarter = std::size_t{64} << 20;
  hold();
  for (const char* address : {"11.0.0.1", "11.0.1.1", "11.0.2.1"})
    EXPECT_TRUE(is_taken(address, Bytes(kQuarter)));
  EXPECT_FALSE(is_taken("11.0.3.1", Bytes(kQuarter + 1)));
  EXPECT_EQ(asked.back().get(), 503);
  asked.pop_back();
  EXPECT_TRUE(is_taken("11.0.3.1", Bytes(kQuarter)));
  EXPECT_FALSE(is_taken("127.0.0.1", Bytes(1)));
  asked.pop_back();
  EXPECT_TRUE(is_taken("11.0.4.1")) << "what has no body";
  release();
  for (auto& one : asked) EXPECT_EQ(one.get(), 200);
  EXPECT_EQ(ask(request("11.0.3.1")).get(), 200);
}

TEST_F(HeldRoutes, AnswerAPollWhoseTimeIsOverOnTheirOwnThread) {
  auto polled = poll("11.0.2.1");
  auto refused = poll("11.0.3.1");
  ASSERT_EQ(later.size(), 2U);
  hold("/bmsg/1/info");
  later.front()();  // As the server's thread does, which never waits.
  EXPECT_TRUE(is_open(polled));
  for (int i = 0; i < 8; ++i) EXPECT_TRUE(is_taken("11.0.3.1", "/bmsg/1/info"));
  later.back()();
  EXPECT_EQ(refused.get(), 503) << "its queue is full";
  release();
  EXPECT_EQ(polled.get(), 200);
  for (auto& one : asked) EXPECT_EQ(one.get(), 200);
}

}  // namespace
}  // namespace bmsg::api
