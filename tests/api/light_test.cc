// A light node over the wires: what it says and refuses, and its verbs over the local socket.

#include <gtest/gtest.h>

#include "lib/api/remote_service.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/pack.h"
#include "tests/api/running_node.h"

namespace bmsg::api {
namespace {

using namespace std::chrono_literals;

class LightNode : public testing::Test {
 protected:
  LightNode() : light(builder, nullptr, node::Keeps::heads) {
    topical = builder.public_message("of a topic", light.clock.now());
    topical.head.topic = Topic::filled(7);
    builder.stamp(topical);
    small = builder.public_message("small", light.clock.now());
    block = builder.block(builder.genesis(), {topical, small}, light.clock.now());
    heads = block;
    for (Message& message : heads.messages) message.body.reset();
    light.accept({heads});
  }
  static MessageId id_of(const Message& message) { return chain::id_of(message.head); }

  ChainBuilder builder;
  RunningNode light;
  Message topical;
  Message small;
  Block block;
  Block heads;
};

TEST_F(LightNode, SaysSoAndGivesBlocksWithoutBodiesOnly) {
  const auto peer = light.transport();
  EXPECT_TRUE(peer->info().value().light);
  const BlockHash hash = chain::hash_of(block.header);
  EXPECT_EQ(peer->blocks(Height{1}, 1, Bodies::without).value(), std::vector{heads});
  EXPECT_EQ(peer->block(hash, Bodies::without).value(), heads);
  const auto refused = peer->blocks(Height{1}, 1, Bodies::with);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("404"), std::string::npos) << refused.error().message;
  EXPECT_FALSE(peer->block(hash, Bodies::with).value());
  RunningNode full(builder);
  EXPECT_FALSE(full.transport()->info().value().light);
  full.accept({block});
  EXPECT_EQ(full.transport()->block(hash, Bodies::with).value(), block);
  EXPECT_EQ(full.transport()->block(hash, Bodies::without).value(), heads);
}

TEST_F(LightNode, NeedsNothingThatIsOffered) {
  Bytes pack = chain::begin_pack();
  const ShortId offered = ShortId::filled(1);
  chain::append_frame(pack, chain::FrameType::ids, chain::encode_short_ids({offered}));
  const auto lines = light.transport()->put(pack).value();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines.front().verdict, node::Verdict::known);
  EXPECT_TRUE(lines.front().need.empty());
  RunningNode full(builder);
  EXPECT_EQ(full.transport()->put(pack).value().front().need, std::vector{offered});
}

TEST_F(LightNode, TakesBodiesOverTheLocalSocket) {
  const auto remote = RemoteService::connect(light.socket(), 10s).value();
  const node::WantedBody first{.id = id_of(small), .height = Height{1}, .expired = false};
  EXPECT_EQ(remote->wanted_bodies().value(), std::vector{first});
  ASSERT_TRUE(remote->want_topic(Topic::filled(7)));
  EXPECT_EQ(remote->wanted_bodies().value().size(), 2U);
  EXPECT_EQ(remote->wanted_bodies().value(), light.node->wanted_bodies().value());
  EXPECT_EQ(remote->keep_bodies({small, topical}).value(), 2U);
  EXPECT_TRUE(remote->wanted_bodies().value().empty());
  ASSERT_TRUE(remote->want_bodies({id_of(small)}));  // It is here.
  EXPECT_TRUE(remote->wanted_bodies().value().empty());
  EXPECT_EQ(remote->keep_bodies({}).value(), 0U);
}

}  // namespace
}  // namespace bmsg::api
