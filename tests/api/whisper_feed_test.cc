// What a gateway is given of pool and chain: all of it, in order, through branches that are left.

#include "lib/api/whisper_feed.h"

#include "tests/api/asked_node.h"

namespace bmsg::api {
namespace {

constexpr std::uint64_t kInterval = 600;

class WhisperFeedTest : public AskedNode {
 protected:
  WhisperFeedTest() : AskedNode(FakeClock(), {}, ChainBuilder(pow_rules_text())) {}

  void begin() {
    EXPECT_TRUE(feed.begin(store, [this](const MessageHead&) { ++skipped; }));
  }
  /// Texts that a look brings; no more than `most` are taken.
  std::string look(std::size_t most = SIZE_MAX) {
    std::string all;
    EXPECT_TRUE(feed.look(store, [&](const Message& message) {
      if (most-- == 0) return false;
      all += message.body ? static_cast<char>(message.body->back()) : '?';
      return true;
    }));
    return all;
  }

  /// Good for the pool as it is for the first block.
  Message message(std::string_view text) const { return builder.public_message(text, begun()); }
  UnixSeconds begun() const { return {clock.now().value - 100 * kInterval}; }
  void pool(std::string_view text) {
    const auto taken = node->submit_messages({message(text)}, node::Origin::own);
    EXPECT_EQ(taken.value().front().verdict, node::Verdict::accepted);
  }
  Header add(const Header& parent, std::vector<Message> messages = {}) {
    const UnixSeconds time{std::max(begun().value, parent.time.value) + kInterval};
    const Block block = builder.block(parent, std::move(messages), time);
    const auto outcome = node->submit_block(block);
    EXPECT_EQ(outcome.value().verdict, node::Verdict::accepted);
    return block.header;
  }

  WhisperFeed feed;
  int skipped = 0;
};

TEST_F(WhisperFeedTest, GivesBlocksUpwardsAndThenThePool) {
  begin();
  EXPECT_EQ(look(), "");
  const Header first = add(builder.genesis(), {message("a")});
  add(first, {message("b")});
  pool("c");
  pool("d");
  EXPECT_EQ(look(), "abcd");
  EXPECT_EQ(look(), "");
  pool("e");
  EXPECT_EQ(look(), "e");
}

TEST_F(WhisperFeedTest, BeginsWithWhatComesFromNowOn) {
  const Header first = add(builder.genesis(), {message("a"), message("b")});
  pool("c");
  begin();
  EXPECT_EQ(skipped, 3);
  EXPECT_EQ(look(), "");
  add(first, {message("d")});
  EXPECT_EQ(look(), "d");
}

TEST_F(WhisperFeedTest, BeginsAgainWithWhatWasNotTaken) {
  begin();
  const Header first = add(builder.genesis(), {message("a")});
  add(first, {message("b")});
  pool("c");
  pool("d");
  EXPECT_EQ(look(0), "");
  EXPECT_EQ(look(1), "a");
  EXPECT_EQ(look(1), "b");
  EXPECT_EQ(look(1), "c");
  EXPECT_EQ(look(), "d");
}

TEST_F(WhisperFeedTest, FollowsTheChainToAnotherBranch) {
  const Header base = add(builder.genesis());
  begin();
  Header left = add(add(base, {message("a")}));
  EXPECT_EQ(look(), "a");
  Header right = add(base, {message("b")});
  EXPECT_EQ(look(), "b") << "what a side branch has waits in the pool";
  right = add(right, {message("c")});
  right = add(right, {message("d")});
  EXPECT_EQ(look(), "bcda") << "what came back to the pool is there again";
  left = add(left, {message("e")});
  left = add(left, {});
  left = add(left, {message("f")});
  EXPECT_EQ(look().substr(0, 3), "aef");
}

}  // namespace
}  // namespace bmsg::api
