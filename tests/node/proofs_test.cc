// Proofs from a store, against the headers that commit to them.

#include "lib/node/proofs.h"

#include <fmt/format.h>

#include "tests/node/node_fixture.h"

namespace bmsg::node {
namespace {

constexpr std::uint32_t kBlocks = 21;

/// Blocks 1 to 21, block h with h % 4 messages.
struct ProofsTest : testing::Test, NodeFixture {
  ProofsTest() {
    Header parent = builder.genesis();
    for (std::uint32_t height = 1; height <= kBlocks; ++height) {
      std::vector<Message> messages;
      for (std::uint32_t i = 0; i < height % 4; ++i)
        messages.push_back(builder.public_message(fmt::format("{} of block {}", i, height),
                                                  UnixSeconds{parent.time.value + 600}));
      blocks.push_back(builder.block(parent, messages));
      parent = blocks.back().header;
    }
    accept_all(blocks);
  }

  MessagePlace place_of(const Message& message) const {
    return store.places_of(id_of(message)).value().at(0);
  }

  std::vector<Block> blocks;
};

TEST_F(ProofsTest, TheRootOfTheFirstBlocksIsThePastOfTheNext) {
  for (const Block& block : blocks)
    EXPECT_EQ(root_of_first(store, block.header.height.value).value(), block.header.past);
}

TEST_F(ProofsTest, EveryMessageHasAReceiptUnderEveryAnchor) {
  std::size_t made = 0;
  for (const Block& block : blocks) {
    for (const Message& message : block.messages) {
      const auto plain = make_receipt(store, builder.chain().id, place_of(message), {});
      ASSERT_TRUE(bool(plain));
      EXPECT_TRUE(bool(chain::check_receipt(plain.value())));
      for (std::uint32_t anchor = block.header.height.value + 1; anchor <= kBlocks; ++anchor) {
        const auto receipt =
            make_receipt(store, builder.chain().id, place_of(message), Height{anchor});
        ASSERT_TRUE(bool(receipt));
        const auto proven = chain::check_receipt(receipt.value());
        ASSERT_TRUE(bool(proven)) << proven.error().message;
        EXPECT_EQ(proven.value().id, id_of(message));
        EXPECT_EQ(proven.value().block, hash_of(block));
        EXPECT_EQ(proven.value().anchor, hash_of(blocks[anchor - 1]));
        ++made;
      }
    }
  }
  EXPECT_GT(made, 300u);
}

TEST_F(ProofsTest, AStoreThatLostANodeOfItsTreeSaysSo) {
  EXPECT_EQ(root_of_first(store, kBlocks + 2).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace bmsg::node
