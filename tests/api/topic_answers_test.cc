// What a node gives to whoever names the first bits of a topic.

#include "lib/api/topic_answers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "lib/api/peer_answers.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/pack.h"
#include "lib/core/codec.h"
#include "tests/api/asked_node.h"
#include "tests/api/running_node.h"

namespace bmsg::api {
namespace {

constexpr std::uint32_t kBlocks = 40;  // Of which the third has messages, and the last.

class TopicAnswers : public AskedNode {
 protected:
  TopicAnswers() : AskedNode(FakeClock(kEasyGenesisTime + 9'000 * 600)) {
    for (const std::uint32_t topic : {0xabcd1234U, 0xabcd1235U, 0xabcdff00U, 0x2bcd1234U, 0U})
      messages.push_back(of_topic(topic));
    auto blocks = builder.blocks(builder.genesis(), 2);
    blocks.push_back(builder.block(blocks.back().header, messages));
    const auto more = builder.blocks(blocks.back().header, kBlocks - 4);
    blocks.insert(blocks.end(), more.begin(), more.end());
    last = of_topic(0xabcd1234U);
    blocks.push_back(builder.block(blocks.back().header, {last}));
    for (const Block& block : blocks) {
      EXPECT_EQ(node->submit_block(block).value().verdict, node::Verdict::accepted);
    }
  }

  Message of_topic(std::uint32_t topic) {
    Message message = builder.public_message("of " + std::to_string(++made), clock.now());
    store_be(message.head.topic.data(), topic);
    message.head.time = kEasyGenesisTime + 600;
    builder.stamp(message);
    return message;
  }

  net::HttpResponse ask(const std::string& path) {
    net::HttpRequest request;
    request.method = net::Method::get;
    request.path = "/bmsg/1/topic/" + path;
    return answer_peer(*node, request);
  }
  int status(const std::string& path) { return ask(path).status; }

  struct Told {
    std::vector<std::uint32_t> heights;
    std::vector<Message> messages;
  };
  static Told told(const net::HttpResponse& response) {
    EXPECT_EQ(response.status, 200) << to_string(response.body);
    EXPECT_EQ(net::find_field(response.fields, "cache-control"), "no-store");
    Told told;
    for (const auto& frame : chain::split_pack(response.body, chain::EndFrame::optional).value()) {
      if (frame.type == chain::FrameType::header)
        told.heights.push_back(decode_sealed_header(frame.payload).value().header.height.value);
      else
        told.messages.push_back(decode_message(frame.payload).value());
    }
    return told;
  }
  std::size_t found(const std::string& path) { return told(ask(path)).messages.size(); }
  Told told_within(const std::string& path, const TopicLimits& limits) {
    return told(answer_topic(*node, path, limits).value());
  }

  int made = 0;
  std::vector<Message> messages;
  Message last;
};

TEST_F(TopicAnswers, GiveAHeaderForEachBlockAndTheMessagesOfTheTopic) {
  const auto all = told(ask("abcd1234/32/0/2000"));
  ASSERT_EQ(all.heights.size(), kBlocks + 1);
  for (std::uint32_t i = 0; i <= kBlocks; ++i) EXPECT_EQ(all.heights[i], i);
  EXPECT_EQ(all.messages, (std::vector{messages[0], last}));
  EXPECT_EQ(told(ask("abcd1234/32/3/1")).messages, std::vector{messages[0]});
  EXPECT_TRUE(told(ask("abcd1234/32/4/36")).messages.empty());
  EXPECT_EQ(told(ask("abcd1234/32/4/37")).messages, std::vector{last});
  EXPECT_EQ(told(ask("abcd1234/32/40/2000")).heights, std::vector{kBlocks});
  EXPECT_TRUE(told(ask("abcd1234/32/41/2000")).heights.empty());
  EXPECT_TRUE(told(ask("abcd1234/32/4294967295/2000")).heights.empty());
}

TEST_F(TopicAnswers, CompareAsManyBitsAsTheyAreAskedFor) {
  EXPECT_EQ(found("00000000/0/3/1"), 5);
  EXPECT_EQ(found("80000000/1/3/1"), 3);
  EXPECT_EQ(found("00000000/1/3/1"), 2);
  EXPECT_EQ(found("abcd0000/16/3/1"), 3);
  EXPECT_EQ(found("abcd1234/31/3/1"), 2);
  EXPECT_EQ(found("abcd1234/32/3/1"), 1);
  EXPECT_EQ(found("abcd1236/31/3/1"), 0);
  EXPECT_EQ(found("00000000/32/3/1"), 1) << "the one without a topic";
}

TEST_F(TopicAnswers, TakeOnlyStrictPaths) {
  EXPECT_EQ(status("abcd1234/32/0/2000"), 200);
  for (const char* bad : {"abcd1234/32/0/2001",
                          "abcd1234/32/0/0",
                          "abcd1234/33/0/1",
                          "abcd1234/-1/0/1",
                          "abcd1234/032/0/1",
                          "abcd1234//0/1",
                          "abcd123/32/0/1",
                          "abcd12345/32/0/1",
                          "ABCD1234/32/0/1",
                          "abcd123g/32/0/1",
                          "0xabcd12/32/0/1",
                          "/32/0/1",
                          "abcd1234/32/0",
                          "abcd1234/32",
                          "abcd1234",
                          "",
                          "abcd1234/32/0/1/1",
                          "abcd1234/32/01/1",
                          "abcd1234/32/-1/1",
                          "abcd1234/4294967328/0/1",
                          "abcd1234/32/4294967296/1"}) {
    EXPECT_EQ(status(bad), 400) << bad;
  }
  // One path for each question: what is not compared is 0.
  for (const char* bad : {"abcd1235/31/0/1", "80000000/0/0/1", "c0000000/1/0/1"})
    EXPECT_EQ(status(bad), 400) << bad;
}

TEST_F(TopicAnswers, EndAtTheirLimitsWithAWholeBlock) {
  const std::string third = "00000000/0/3/1";
  const std::size_t size = ask(third).body.size();  // With the 4 bytes of a pack's magic.
  const std::size_t header = ask("00000000/0/4/1").body.size() - 4;
  const std::string path = "00000000/0/2/9";
  EXPECT_EQ(told_within(path, {.answer_bytes_max = header + size}).heights,
            (std::vector<std::uint32_t>{2, 3}));
  EXPECT_EQ(told_within(path, {.answer_bytes_max = header + size - 1}).heights,
            std::vector<std::uint32_t>{2});
  EXPECT_EQ(told_within(third, {.answer_bytes_max = 1}).messages.size(), 5)
      << "a first block is given whatever its size";
  // Once so much was looked through, no block is begun: 2 is a header, 3 has five heads, too.
  const std::size_t two = 256;
  const std::size_t three = two + 256 + 5 * (96 + 8);
  const auto looked = [&](std::size_t most) {
    return told_within(path, {.looked_bytes_max = most}).heights.size();
  };
  EXPECT_EQ(looked(two), 1);
  EXPECT_EQ(looked(two + 1), 2);
  EXPECT_EQ(looked(three), 2);
  EXPECT_EQ(looked(three + 1), 3);
}

TEST_F(TopicAnswers, AreOfTheBestChainAlone) {
  Message waiting = of_topic(0xabcd1234U);
  waiting.head.time = static_cast<std::uint32_t>(clock.now().value);
  builder.stamp(waiting);
  ASSERT_EQ(node->submit_messages({waiting}, node::Origin::own).value()[0].verdict,
            node::Verdict::accepted);
  EXPECT_EQ(found("abcd1234/32/0/2000"), 2) << "what waits in the pool is in no block";
}

TEST(TopicAnswersOfALightNode, SayThatItHasNoBodies) {
  ChainBuilder builder;
  RunningNode light(builder, nullptr, node::Keeps::heads);
  net::HttpRequest request;
  request.method = net::Method::get;
  request.path = "/bmsg/1/topic/abcd1234/32/0/1";
  const auto response = answer_peer(*light.node, request);
  EXPECT_EQ(response.status, 404);
  EXPECT_NE(as_text(response.body).find("\"light\""), std::string_view::npos);
}

}  // namespace
}  // namespace bmsg::api
