// What is hashed for many messages at once is what is hashed one by one.

#include "lib/chain/block_digests.h"

#include <gtest/gtest.h>

#include "lib/chain/block_hash.h"
#include "lib/chain/message_rules.h"
#include "tests/support/chain_builder.h"
#include "tests/support/seed.h"

namespace bmsg::chain {
namespace {

Block block_of(const ChainBuilder& builder, std::size_t count, std::mt19937_64& numbers) {
  Block block;
  for (std::size_t i = 0; i < count; ++i) {
    Message message = builder.public_message({}, UnixSeconds{kEasyGenesisTime});
    message.head.key_section = random_bytes(numbers, number_up_to(numbers, 300));
    message.body = random_bytes(numbers, number_up_to(numbers, 700));
    message.nonce = numbers();
    if (number_up_to(numbers, 5) == 0) message.body.reset();
    block.messages.push_back(std::move(message));
  }
  return block;
}

TEST(BlockDigests, SayWhatIsHashedOneByOne) {
  auto numbers = seeded_numbers();
  const ChainBuilder builder;
  std::vector<Block> blocks;
  for (const std::size_t count : {0, 1, 2, 3, 0, 7, 8, 31, 33, 100, 1})
    blocks.push_back(block_of(builder, count, numbers));
  const auto all = digests_of(blocks);
  ASSERT_EQ(all.size(), blocks.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(all[i].ids, ids_of(blocks[i]));
    EXPECT_EQ(all[i].root, message_root(blocks[i]));
    ASSERT_EQ(all[i].stamps.size(), blocks[i].messages.size());
    ASSERT_EQ(all[i].bodies.size(), blocks[i].messages.size());
    for (std::size_t at = 0; at < blocks[i].messages.size(); ++at) {
      const Message& message = blocks[i].messages[at];
      EXPECT_EQ(all[i].stamps[at], stamp_value(all[i].ids[at], message.nonce));
      EXPECT_EQ(all[i].bodies[at], message.body ? body_hash_of(*message.body) : BodyHash());
    }
  }
}

TEST(BlockDigests, AreNoneOfNoBlock) { EXPECT_TRUE(digests_of({}).empty()); }

}  // namespace
}  // namespace bmsg::chain
