// The builder that other tests rest on makes what the rules accept.

#include <gtest/gtest.h>

#include "lib/chain/block_digests.h"
#include "lib/chain/block_hash.h"
#include "lib/chain/block_rules.h"
#include "tests/support/chain_builder.h"
#include "tests/support/fake_clock.h"

namespace bmsg::chain {
namespace {

void expect_valid(const ChainBuilder& builder, const Header& parent, const Block& block) {
  const auto header =
      find_violation(SealedHeader{block.header, block.seal}, builder.context_after(parent));
  EXPECT_FALSE(header) << header->detail;
  const auto body =
      find_violation(block, ids_of(block), builder.chain(), [](const MessageId&) { return false; });
  EXPECT_FALSE(body) << body->detail;
}

TEST(ChainBuilder, MakesAValidChainInThePast) {
  ChainBuilder builder;
  Header parent = builder.genesis();
  for (const Block& block : builder.blocks(parent, 50)) {
    expect_valid(builder, parent, block);
    parent = block.header;
  }
  EXPECT_LT(parent.time, FakeClock().now());
}

TEST(ChainBuilder, TakesMessagesInAnyOrder) {
  ChainBuilder builder;
  const Header genesis = builder.genesis();
  std::vector<Message> messages;
  for (const char* text : {"one", "two", "three", "four"}) {
    messages.push_back(builder.public_message(text, genesis.time));
  }
  expect_valid(builder, genesis, builder.block(genesis, messages));
}

TEST(ChainBuilder, StampsWhereTheChainAsks) {
  ChainBuilder builder(easy_rules_text("stamp", "1"));
  const Header genesis = builder.genesis();
  const Message message = builder.public_message("stamped", genesis.time);
  expect_valid(builder, genesis, builder.block(genesis, {message}));
}

TEST(ChainBuilder, SealsOnAnEndorseChain) {
  ChainBuilder builder(endorse_rules_text(2, 3));
  Header parent = builder.genesis();
  for (const Block& block : builder.blocks(parent, 3)) {
    EXPECT_EQ(block.seal.size(), 2u);
    expect_valid(builder, parent, block);
    parent = block.header;
  }
}

TEST(ChainBuilder, MakesSiblingsWithOtherTimes) {
  ChainBuilder builder;
  const Header genesis = builder.genesis();
  const Block one = builder.block(genesis);
  const Block other = builder.block(genesis, {}, UnixSeconds{genesis.time.value + 1});
  EXPECT_NE(hash_of(one.header), hash_of(other.header));
  expect_valid(builder, genesis, other);
  expect_valid(builder, other.header, builder.block(other.header));
}

}  // namespace
}  // namespace bmsg::chain
